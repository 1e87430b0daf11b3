import { XpsError } from '../base/errors.ts';
import { type Certificate, isCa } from './certificate.ts';

/** SPIFFE-ID §2: `spiffe://trust-domain/path`, in one form only, so that comparing texts is comparing identities. */
export interface SpiffeId {
  readonly text: string;
  readonly trustDomain: string;
  /** Empty, or with its leading slash. */
  readonly path: string;
}

const MAX_BYTES = 2048;
const MAX_TRUST_DOMAIN_BYTES = 255;
const FORM = /^spiffe:\/\/([a-z0-9._-]+)((?:\/[A-Za-z0-9._-]+)*)$/;

/** Undefined for everything that is not exactly a SPIFFE ID: no port, query, fragment, empty or dot segment. */
export function parseSpiffeId(text: string): SpiffeId | undefined {
  if (text.length > MAX_BYTES) return undefined;
  const [, trustDomain, path] = FORM.exec(text) ?? [];
  if (trustDomain === undefined || path === undefined || trustDomain.length > MAX_TRUST_DOMAIN_BYTES) return undefined;
  return path.split('/').some((segment) => segment === '.' || segment === '..') ? undefined : { text, trustDomain, path };
}

/**
 * X509-SVID §2, §4, §5.2 for the leaf of a path that was validated. Undefined: it carries no SPIFFE ID and is no SVID.
 * Throws `spiffe_id_invalid` for one that carries such an ID against the rules.
 */
export function svidOf(leaf: Certificate): SpiffeId | undefined {
  const uris = uriNames(leaf);
  if (!uris.some((uri) => /^spiffe:/i.test(uri))) return undefined;
  if (uris.length > 1) throw invalid('it has more than one URI');
  const id = parseSpiffeId(uris[0] as string);
  if (id === undefined) throw invalid('its URI is not a well-formed SPIFFE ID');
  const { keyUsage } = leaf.extensions;
  if (id.path === '') throw invalid('the SPIFFE ID of a workload has a path');
  if (isCa(leaf)) throw invalid('a CA certificate is not the identity of a workload');
  if (keyUsage?.has('digitalSignature') !== true) throw invalid('its key usage does not name digital signatures');
  if (keyUsage.has('keyCertSign') || keyUsage.has('cRLSign')) throw invalid('its key usage permits to sign certificates or CRLs');
  return id;
}

/**
 * X509-SVID §3.2, §4: the CAs above an SVID. A SPIFFE ID of theirs names a trust domain and nothing in it. `path` is leaf
 * first, anchor last. Throws `spiffe_id_invalid`.
 */
export function checkSvidPath(path: readonly Certificate[]): void {
  for (const signer of path.slice(1)) {
    const uris = uriNames(signer).filter((uri) => /^spiffe:/i.test(uri));
    if (uris.length > 1) throw invalid('a CA above it has more than one SPIFFE ID');
    const [uri] = uris;
    if (uri !== undefined && parseSpiffeId(uri)?.path !== '') throw invalid('a CA above it has the SPIFFE ID of a workload');
  }
}

function uriNames({ extensions }: Certificate): string[] {
  return (extensions.subjectAltNames ?? []).flatMap((name) => (name.kind === 'uri' ? [name.value] : []));
}

function invalid(detail: string): XpsError {
  return new XpsError('spiffe_id_invalid', { detail });
}
