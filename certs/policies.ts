import type { Certificate } from './certificate.ts';
import { ANY_POLICY } from './oids.ts';
import type { ValidationRequest } from './request.ts';
import { type Failure, failure } from './verdict.ts';

/** RFC 9618 §5: the policies of a path as a graph, whose size is linear in what the certificates say. */

interface PolicyNode {
  readonly policy: string;
  expected: ReadonlySet<string>;
  readonly parents: readonly PolicyNode[];
}

type Level = Map<string, PolicyNode>;

export type PolicyRequest = Pick<
  ValidationRequest,
  'policies' | 'requireExplicitPolicy' | 'inhibitPolicyMapping' | 'inhibitAnyPolicy' | 'anchorMode'
>;

/** `path`: leaf first, anchor last. Undefined: the policies are acceptable. */
export function policyFailure(path: readonly Certificate[], request: PolicyRequest): Failure | undefined {
  const certificates = path.slice(0, -1).toReversed();
  const anchor = request.anchorMode === 'certificate' ? path.at(-1) : undefined;
  const state = new PolicyState(certificates.length, request);
  if (anchor !== undefined) state.constrain(anchor);
  for (const [i, certificate] of certificates.entries()) {
    const isLeaf = i === certificates.length - 1;
    state.enter(certificate, isLeaf);
    if (!state.isSatisfied) return failure('policy', certificate, 'an explicit policy is required and none is left');
    if (isLeaf) state.leave(certificate);
    else state.descend(certificate);
  }
  const wanted = acceptablePolicies(request.policies, anchor);
  if (state.isExplicitRequired && !state.hasAny(wanted)) {
    return failure('policy', path[0], 'none of the acceptable policies is asserted along the whole path');
  }
  return undefined;
}

/** RFC 5937 §4: policies of an anchor narrow what is acceptable. Undefined: any. */
function acceptablePolicies(policies: readonly string[], anchor: Certificate | undefined): ReadonlySet<string> | undefined {
  const asked = policies.length === 0 || policies.includes(ANY_POLICY) ? undefined : new Set(policies);
  const offered = anchor?.extensions.policies;
  if (offered === undefined || offered.has(ANY_POLICY)) return asked;
  return asked === undefined ? offered : new Set([...asked].filter((policy) => offered.has(policy)));
}

class PolicyState {
  /** Nodes of the present depth; undefined: the graph is NULL. */
  #level: Level | undefined;
  #explicitPolicy: number;
  #policyMapping: number;
  #inhibitAny: number;

  /** §6.1.2 */
  constructor(length: number, request: PolicyRequest) {
    this.#level = new Map([[ANY_POLICY, { policy: ANY_POLICY, expected: new Set([ANY_POLICY]), parents: [] }]]);
    this.#explicitPolicy = request.requireExplicitPolicy ? 0 : length + 1;
    this.#policyMapping = request.inhibitPolicyMapping ? 0 : length + 1;
    this.#inhibitAny = request.inhibitAnyPolicy ? 0 : length + 1;
  }

  get isExplicitRequired(): boolean {
    return this.#explicitPolicy === 0;
  }

  /** §6.1.3 (f) */
  get isSatisfied(): boolean {
    return this.#explicitPolicy > 0 || this.#level !== undefined;
  }

  /** §6.1.3 (d), (e) */
  enter({ extensions, isSelfIssued }: Certificate, isLeaf: boolean): void {
    const { policies } = extensions;
    const above = this.#level;
    if (policies === undefined || above === undefined) {
      this.#level = undefined;
      return;
    }
    const expectedBy = nodesByExpected(above);
    const anyAbove = above.get(ANY_POLICY);
    const level: Level = new Map();
    for (const policy of policies) {
      if (policy === ANY_POLICY) continue;
      const parents = expectedBy.get(policy) ?? (anyAbove === undefined ? [] : [anyAbove]);
      if (parents.length > 0) level.set(policy, { policy, expected: new Set([policy]), parents });
    }
    if (policies.has(ANY_POLICY) && (this.#inhibitAny > 0 || (isSelfIssued && !isLeaf))) {
      for (const [policy, parents] of expectedBy) {
        if (!level.has(policy)) level.set(policy, { policy, expected: new Set([policy]), parents });
      }
    }
    this.#level = level.size === 0 ? undefined : level;
  }

  /** §6.1.4 (b), (h), (i), (j) */
  descend(certificate: Certificate): void {
    this.#map(certificate);
    if (!certificate.isSelfIssued) {
      this.#explicitPolicy = Math.max(0, this.#explicitPolicy - 1);
      this.#policyMapping = Math.max(0, this.#policyMapping - 1);
      this.#inhibitAny = Math.max(0, this.#inhibitAny - 1);
    }
    this.constrain(certificate);
  }

  constrain({ extensions }: Certificate): void {
    const { policyConstraints, inhibitAnyPolicy } = extensions;
    this.#explicitPolicy = Math.min(this.#explicitPolicy, policyConstraints?.requireExplicit ?? Infinity);
    this.#policyMapping = Math.min(this.#policyMapping, policyConstraints?.inhibitMapping ?? Infinity);
    this.#inhibitAny = Math.min(this.#inhibitAny, inhibitAnyPolicy ?? Infinity);
  }

  /** §6.1.5 (a), (b) */
  leave({ extensions }: Certificate): void {
    this.#explicitPolicy = Math.max(0, this.#explicitPolicy - 1);
    if (extensions.policyConstraints?.requireExplicit === 0) this.#explicitPolicy = 0;
  }

  /** §6.1.5 (g): whether a policy that is asked for, in the anchor's own terms, reaches down to the leaf. */
  hasAny(wanted: ReadonlySet<string> | undefined): boolean {
    if (this.#level === undefined) return false;
    if (wanted === undefined || this.#level.has(ANY_POLICY)) return wanted === undefined || wanted.size > 0;
    const reached = new Set<PolicyNode>(this.#level.values());
    for (const node of reached) {
      if (node.parents.some(({ policy }) => policy === ANY_POLICY) && wanted.has(node.policy)) return true;
      for (const parent of node.parents) reached.add(parent);
    }
    return false;
  }

  #map({ extensions }: Certificate): void {
    const level = this.#level;
    const { policyMappings } = extensions;
    if (level === undefined || policyMappings === undefined) return;
    const targets = Map.groupBy(policyMappings, ({ issuerDomain }) => issuerDomain);
    const any = level.get(ANY_POLICY);
    for (const [policy, mappings] of targets) {
      const node = level.get(policy);
      const expected = new Set(mappings.map(({ subjectDomain }) => subjectDomain));
      if (this.#policyMapping === 0) level.delete(policy);
      else if (node !== undefined) node.expected = expected;
      else if (any !== undefined) level.set(policy, { policy, expected, parents: any.parents });
    }
    if (level.size === 0) this.#level = undefined;
  }
}

function nodesByExpected(level: Level): Map<string, PolicyNode[]> {
  const found = new Map<string, PolicyNode[]>();
  for (const node of level.values()) {
    for (const policy of node.expected) {
      const nodes = found.get(policy);
      if (nodes === undefined) found.set(policy, [node]);
      else nodes.push(node);
    }
  }
  return found;
}
