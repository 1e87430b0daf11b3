/** The smallest useful configuration; tests change one thing in it. */
export const GOOD = `identity: { cert: tls.crt, key: tls.key }
trust:
  bundles: [{ file: ca.pem }]
  revocation: { crl: [crl.pem] }
tunnels:
  - name: orders
    role: client
    listen: tcp://127.0.0.1:15432
    connect: tcp://orders.prod.svc:8443
    peer: { allow: ["spiffe://corp.example/orders"] }
`;
