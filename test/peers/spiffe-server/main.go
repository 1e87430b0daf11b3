// A SPIFFE Workload API for tests, made of go-spiffe's generated service, types and validation. It has a CA for each
// trust domain, serves what it is told on standard input, and answers each command with one line of JSON.
//
//	{"do":"serve","ids":["spiffe://a.example/x"],"federate":["b.example"],"hints":["h"]}   pushes to every stream
//	{"do":"deny"}                     answers streams with PermissionDenied, as an agent does for unknown workloads
//	{"do":"garbage"}                  pushes a response whose certificates are noise
//	{"do":"mismatch","ids":[…]}       pushes SVIDs with somebody else's keys
//	{"do":"renew","domain":"a.example"}  a new CA for the domain; the bundle then holds the old one and the new one
//	{"do":"down"} {"do":"up"}         closes and opens the socket
//	{"do":"issue","ids":["spiffe://b.example/y"]}   returns chain and key as PEM, for the peers of a test
//	{"do":"verify","chain":"base64 of concatenated DER"}   go-spiffe's own opinion of an SVID
package main

import (
	"bufio"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/base64"
	"encoding/json"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/url"
	"os"
	"sync"
	"time"

	"github.com/spiffe/go-spiffe/v2/bundle/x509bundle"
	"github.com/spiffe/go-spiffe/v2/proto/spiffe/workload"
	"github.com/spiffe/go-spiffe/v2/spiffeid"
	"github.com/spiffe/go-spiffe/v2/svid/x509svid"
	"google.golang.org/grpc"
	"google.golang.org/grpc/codes"
	"google.golang.org/grpc/metadata"
	"google.golang.org/grpc/status"
)

type command struct {
	Do       string   `json:"do"`
	IDs      []string `json:"ids"`
	Hints    []string `json:"hints"`
	Federate []string `json:"federate"`
	Domain   string   `json:"domain"`
	Chain    string   `json:"chain"`
}

type authority struct {
	cert   *x509.Certificate
	key    *ecdsa.PrivateKey
	bundle []*x509.Certificate
}

type agent struct {
	workload.UnimplementedSpiffeWorkloadAPIServer
	mutex       sync.Mutex
	authorities map[string]*authority
	response    *workload.X509SVIDResponse
	denied      bool
	changed     chan struct{}
	streams     int
}

func main() {
	socket := os.Args[1]
	a := &agent{authorities: map[string]*authority{}, changed: make(chan struct{})}
	server := a.listen(socket)
	fmt.Println(`{"ok":true}`)
	lines := bufio.NewScanner(os.Stdin)
	lines.Buffer(make([]byte, 1<<20), 1<<20)
	for lines.Scan() {
		var c command
		must(json.Unmarshal(lines.Bytes(), &c))
		switch c.Do {
		case "down":
			server.Stop()
			answer(map[string]any{"ok": true})
		case "up":
			server = a.listen(socket)
			answer(map[string]any{"ok": true})
		default:
			answer(a.obey(c))
		}
	}
}

func (a *agent) listen(socket string) *grpc.Server {
	os.Remove(socket)
	listener, err := net.Listen("unix", socket)
	must(err)
	server := grpc.NewServer()
	workload.RegisterSpiffeWorkloadAPIServer(server, a)
	go server.Serve(listener)
	return server
}

func (a *agent) obey(c command) map[string]any {
	a.mutex.Lock()
	defer a.mutex.Unlock()
	switch c.Do {
	case "serve", "mismatch":
		response := &workload.X509SVIDResponse{FederatedBundles: map[string][]byte{}}
		for i, id := range c.IDs {
			chain, key := a.issue(id)
			if c.Do == "mismatch" {
				_, key = a.issue(id)
			}
			hint := ""
			if i < len(c.Hints) {
				hint = c.Hints[i]
			}
			domain := spiffeid.RequireFromString(id).TrustDomain().Name()
			response.Svids = append(response.Svids, &workload.X509SVID{
				SpiffeId: id, X509Svid: chain, X509SvidKey: key, Bundle: a.bundle(domain), Hint: hint,
			})
		}
		for _, domain := range c.Federate {
			response.FederatedBundles["spiffe://"+domain] = a.bundle(domain)
		}
		a.push(response, false)
	case "garbage":
		noise := []byte{0x30, 0x03, 0x02, 0x01}
		a.push(&workload.X509SVIDResponse{Svids: []*workload.X509SVID{{
			SpiffeId: "spiffe://a.example/x", X509Svid: noise, X509SvidKey: noise, Bundle: noise,
		}}}, false)
	case "deny":
		a.push(nil, true)
	case "renew":
		old := a.authority(c.Domain)
		fresh := newAuthority(c.Domain)
		fresh.bundle = append(fresh.bundle, old.bundle...)
		a.authorities[c.Domain] = fresh
	case "issue":
		chain, key := a.issue(c.IDs[0])
		return map[string]any{"ok": true, "chain": pemOf("CERTIFICATE", chain), "key": pemOf("PRIVATE KEY", key),
			"bundle": pemOf("CERTIFICATE", a.authority(spiffeid.RequireFromString(c.IDs[0]).TrustDomain().Name()).cert.Raw)}
	case "verify":
		return a.verify(c.Chain)
	case "streams":
		return map[string]any{"ok": true, "streams": a.streams}
	default:
		return map[string]any{"ok": false, "error": "unknown command " + c.Do}
	}
	return map[string]any{"ok": true}
}

func (a *agent) push(response *workload.X509SVIDResponse, denied bool) {
	a.response, a.denied = response, denied
	close(a.changed)
	a.changed = make(chan struct{})
}

func (a *agent) FetchX509SVID(_ *workload.X509SVIDRequest, stream workload.SpiffeWorkloadAPI_FetchX509SVIDServer) error {
	if !hasHeader(stream.Context()) {
		return status.Error(codes.InvalidArgument, "security header missing from request")
	}
	a.mutex.Lock()
	a.streams++
	a.mutex.Unlock()
	defer func() {
		a.mutex.Lock()
		a.streams--
		a.mutex.Unlock()
	}()
	for {
		a.mutex.Lock()
		response, denied, changed := a.response, a.denied, a.changed
		a.mutex.Unlock()
		if denied {
			return status.Error(codes.PermissionDenied, "no identity issued")
		}
		if response != nil {
			if err := stream.Send(response); err != nil {
				return err
			}
		}
		select {
		case <-changed:
		case <-stream.Context().Done():
			return stream.Context().Err()
		}
	}
}

// The Workload API demands this header, so that a browser or a proxy cannot be tricked into asking.
func hasHeader(ctx context.Context) bool {
	md, _ := metadata.FromIncomingContext(ctx)
	values := md.Get("workload.spiffe.io")
	return len(values) == 1 && values[0] == "true"
}

func (a *agent) verify(chain string) map[string]any {
	der, err := base64.StdEncoding.DecodeString(chain)
	must(err)
	certs, err := x509.ParseCertificates(der)
	if err != nil {
		return map[string]any{"ok": false, "error": err.Error()}
	}
	set := x509bundle.NewSet()
	for domain, authority := range a.authorities {
		set.Add(x509bundle.FromX509Authorities(spiffeid.RequireTrustDomainFromString(domain), authority.bundle))
	}
	id, _, err := x509svid.Verify(certs, set)
	if err != nil {
		return map[string]any{"ok": false, "error": err.Error()}
	}
	return map[string]any{"ok": true, "id": id.String()}
}

func (a *agent) authority(domain string) *authority {
	if a.authorities[domain] == nil {
		a.authorities[domain] = newAuthority(domain)
	}
	return a.authorities[domain]
}

func (a *agent) bundle(domain string) []byte {
	var der []byte
	for _, cert := range a.authority(domain).bundle {
		der = append(der, cert.Raw...)
	}
	return der
}

// Leaf and intermediate, so that chains are longer than one.
func (a *agent) issue(id string) (chain []byte, key []byte) {
	spiffeID := spiffeid.RequireFromString(id)
	root := a.authority(spiffeID.TrustDomain().Name())
	middleKey, middle := sign(&x509.Certificate{
		Subject: pkix.Name{Organization: []string{"test"}, CommonName: "intermediate"},
		IsCA:    true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		URIs: []*url.URL{spiffeID.TrustDomain().ID().URL()},
	}, root.cert, root.key)
	leafKey, leaf := sign(&x509.Certificate{
		Subject:  pkix.Name{Organization: []string{"test"}},
		KeyUsage: x509.KeyUsageDigitalSignature, BasicConstraintsValid: true,
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth, x509.ExtKeyUsageClientAuth},
		URIs:        []*url.URL{spiffeID.URL()},
	}, middle, middleKey)
	key, err := x509.MarshalPKCS8PrivateKey(leafKey)
	must(err)
	return append(append([]byte{}, leaf.Raw...), middle.Raw...), key
}

func newAuthority(domain string) *authority {
	key, cert := sign(&x509.Certificate{
		Subject: pkix.Name{Organization: []string{"test"}, CommonName: "root " + time.Now().String()},
		IsCA:    true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		URIs: []*url.URL{spiffeid.RequireTrustDomainFromString(domain).ID().URL()},
	}, nil, nil)
	return &authority{cert: cert, key: key, bundle: []*x509.Certificate{cert}}
}

func sign(template *x509.Certificate, parent *x509.Certificate, parentKey *ecdsa.PrivateKey) (*ecdsa.PrivateKey, *x509.Certificate) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(err)
	template.SerialNumber, err = rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 120))
	must(err)
	template.NotBefore = time.Now().Add(-time.Minute)
	template.NotAfter = time.Now().Add(time.Hour)
	if parent == nil {
		parent, parentKey = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, parentKey)
	must(err)
	cert, err := x509.ParseCertificate(der)
	must(err)
	return key, cert
}

func pemOf(label string, der []byte) string {
	if label != "CERTIFICATE" {
		return string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: der}))
	}
	certs, err := x509.ParseCertificates(der)
	must(err)
	text := ""
	for _, cert := range certs {
		text += string(pem.EncodeToMemory(&pem.Block{Type: label, Bytes: cert.Raw}))
	}
	return text
}

func answer(value map[string]any) {
	line, err := json.Marshal(value)
	must(err)
	fmt.Println(string(line))
}

func must(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
}
