// What `openssl ca` and `openssl ocsp` make, judged by `xpscerpto verify`.
import t from 'tap';
import { xpscerpto } from '../support/command.ts';
import { openssl, withoutOpenssl } from '../support/openssl.ts';

const SETTINGS = `
[ca]
default_ca = us
[us]
dir = .
database = index.txt
serial = serial
crlnumber = crlnumber
new_certs_dir = .
certificate = ca.pem
private_key = ca.key
default_md = sha256
default_days = 30
default_crl_days = 7
policy = any
copy_extensions = copy
unique_subject = no
crl_extensions = crl
[any]
commonName = supplied
[req]
distinguished_name = name
[name]
[root]
basicConstraints = critical,CA:TRUE
keyUsage = critical,digitalSignature,keyCertSign,cRLSign
subjectKeyIdentifier = hash
[middle]
basicConstraints = critical,CA:TRUE,pathlen:0
keyUsage = critical,keyCertSign,cRLSign
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
nameConstraints = critical,permitted;DNS:example.org
[leaf]
basicConstraints = critical,CA:FALSE
keyUsage = critical,digitalSignature
extendedKeyUsage = serverAuth,clientAuth
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
[crl]
authorityKeyIdentifier = keyid
`;

const KINDS: readonly (readonly [string, readonly string[]])[] = [
  ['rsa', ['-newkey', 'rsa:2048']],
  ['p256', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256']],
  ['p384', ['-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-384']],
  ['ed25519', ['-newkey', 'ed25519']],
];

for (const [kind, newKey] of KINDS) {
  t.test(`${kind}: chains, CRLs and OCSP answers of openssl`, { skip: withoutOpenssl }, async (t) => {
    const cwd = t.testdir({ 'ca.cnf': SETTINGS, 'index.txt': '', serial: '1000\n', crlnumber: '01\n' });
    const run = (...args: string[]): void => {
      const { status, output } = openssl(args, { cwd });
      t.equal(status, 0, `openssl ${args.slice(0, 2).join(' ')}: ${output}`);
    };
    // Ed25519 hashes by itself.
    const digest = kind === 'ed25519' ? ['-md', 'null'] : [];
    run('req', '-x509', '-config', 'ca.cnf', '-extensions', 'root', '-nodes', ...newKey, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=OpenSSL CA', '-days', '60');
    for (const name of ['orders', 'gone']) {
      run('req', '-new', '-config', 'ca.cnf', '-nodes', ...newKey, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${name}.example.org`);
      run('ca', '-batch', '-notext', '-config', 'ca.cnf', '-extensions', 'leaf', ...digest, '-in', `${name}.csr`, '-out', `${name}.pem`);
    }
    run('ca', '-config', 'ca.cnf', ...digest, '-revoke', 'gone.pem', '-crl_reason', 'keyCompromise');
    run('ca', '-gencrl', '-config', 'ca.cnf', ...digest, '-out', 'crl.pem');
    for (const name of ['orders', 'gone']) {
      run('ocsp', '-issuer', 'ca.pem', '-cert', `${name}.pem`, '-no_nonce', '-reqout', `${name}.req`);
      run('ocsp', '-index', 'index.txt', '-CA', 'ca.pem', '-rsigner', 'ca.pem', '-rkey', 'ca.key', '-reqin', `${name}.req`, '-respout', `${name}.ocsp`, '-ndays', '1');
    }

    const verify = async (line: string) => xpscerpto(['verify', '--trust', 'ca.pem', ...line.split(' ')], { cwd });
    t.match(await verify('--crl crl.pem --purpose server --name dns:orders.example.org orders.pem'), { code: 0, stdout: /^valid/ });
    t.match(await verify('--crl crl.pem gone.pem'), { code: 1, stdout: /^revoked: CN=gone/ });
    t.match(await verify('--ocsp orders.ocsp orders.pem'), { code: 0, stdout: /CN=orders good \(OCSP\)/ });
    t.match(await verify('--ocsp gone.ocsp gone.pem'), { code: 1, stdout: /^revoked/ });
    t.match(await verify('--ocsp gone.ocsp orders.pem'), { code: 1, stdout: /^status_unknown/ }, 'an answer about another certificate says nothing');
  });
}

t.test('an intermediate of openssl with name constraints', { skip: withoutOpenssl }, async (t) => {
  const cwd = t.testdir({ 'ca.cnf': SETTINGS, 'index.txt': '', serial: '1000\n', crlnumber: '01\n' });
  const run = (...args: string[]): void => void t.equal(openssl(args, { cwd }).status, 0, `openssl ${args.slice(0, 2).join(' ')}`);
  const ec = ['-nodes', '-newkey', 'ec', '-pkeyopt', 'ec_paramgen_curve:P-256'];
  run('req', '-x509', '-config', 'ca.cnf', '-extensions', 'root', ...ec, '-keyout', 'ca.key', '-out', 'ca.pem', '-subj', '/CN=Root', '-days', '60');
  run('req', '-new', '-config', 'ca.cnf', ...ec, '-keyout', 'middle.key', '-out', 'middle.csr', '-subj', '/CN=Middle');
  run('ca', '-batch', '-notext', '-config', 'ca.cnf', '-extensions', 'middle', '-in', 'middle.csr', '-out', 'middle.pem');
  for (const [name, dns] of [['inside', 'a.example.org'], ['outside', 'a.example.com']] as const) {
    run('req', '-new', '-config', 'ca.cnf', ...ec, '-keyout', `${name}.key`, '-out', `${name}.csr`, '-subj', `/CN=${name}`, '-addext', `subjectAltName=DNS:${dns}`);
    run('ca', '-batch', '-notext', '-config', 'ca.cnf', '-extensions', 'leaf', '-cert', 'middle.pem', '-keyfile', 'middle.key', '-in', `${name}.csr`, '-out', `${name}.pem`);
  }
  const verify = async (name: string) => xpscerpto(['verify', '--trust', 'ca.pem', '--untrusted', 'middle.pem', '--revocation', 'off', `${name}.pem`], { cwd });
  t.match(await verify('inside'), { code: 0, stdout: /CN=inside ← CN=Middle ← CN=Root/ });
  t.match(await verify('outside'), { code: 1, stdout: /^constraint: CN=outside\n {2}✗ constraints/ });
});
