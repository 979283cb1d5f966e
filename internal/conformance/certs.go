package conformance

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"net"
	"os"
	"path/filepath"
	"time"
)

const day = 24 * time.Hour

// The hosts that scenarios speak to.
var certified = x509.Certificate{
	DNSNames:    []string{"a.test", "b.test", "c.test", "localhost", "*.a.test", "*.b.test", "*.c.test", "*.x.a.test"},
	IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1), net.IPv4(127, 0, 0, 2), net.IPv6loopback},
}

// WriteCertificates makes an authority of its own, ca.pem, and signed by it
// the certificates server, expired and client, each as .pem, .key and, both in
// one file, -both.pem. They are valid for some days; keys are ECDSA P-256.
func WriteCertificates(folder string) error {
	ca, err := newAuthority()
	if err != nil {
		return err
	}
	if err := writePEM(filepath.Join(folder, "ca.pem"), certificateBlock(ca.cert.Raw)); err != nil {
		return err
	}
	server, expired := certified, certified
	server.Subject.CommonName, expired.Subject.CommonName = "server", "server"
	server.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
	expired.ExtKeyUsage = server.ExtKeyUsage
	client := x509.Certificate{
		Subject:     pkix.Name{CommonName: "client"},
		DNSNames:    []string{"client"},
		ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageClientAuth},
	}
	now := time.Now()
	for _, leaf := range []struct {
		file          string
		template      *x509.Certificate
		before, after time.Duration
	}{
		{"server", &server, -day, 20 * day},
		{"expired", &expired, -2 * day, -day},
		{"client", &client, -day, 20 * day},
	} {
		leaf.template.NotBefore, leaf.template.NotAfter = now.Add(leaf.before), now.Add(leaf.after)
		if err := ca.write(filepath.Join(folder, leaf.file), leaf.template); err != nil {
			return err
		}
	}
	return nil
}

type authority struct {
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority() (*authority, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	template := &x509.Certificate{
		Subject:               pkix.Name{CommonName: "scenario CA"},
		NotBefore:             time.Now().Add(-2 * day),
		NotAfter:              time.Now().Add(30 * day),
		KeyUsage:              x509.KeyUsageCertSign | x509.KeyUsageCRLSign,
		BasicConstraintsValid: true,
		IsCA:                  true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, key.Public(), key)
	if err != nil {
		return nil, err
	}
	cert, err := x509.ParseCertificate(der)
	return &authority{cert, key}, err
}

// write signs a certificate for a new key and writes both, in three files.
func (ca *authority) write(file string, template *x509.Certificate) error {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	der, err := x509.CreateCertificate(rand.Reader, template, ca.cert, key.Public(), ca.key)
	if err != nil {
		return err
	}
	pkcs8, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		return err
	}
	keyBlock := &pem.Block{Type: "PRIVATE KEY", Bytes: pkcs8}
	if err := writePEM(file+".pem", certificateBlock(der)); err != nil {
		return err
	}
	if err := writePEM(file+".key", keyBlock); err != nil {
		return err
	}
	return writePEM(file+"-both.pem", certificateBlock(der), keyBlock)
}

func certificateBlock(der []byte) *pem.Block {
	return &pem.Block{Type: "CERTIFICATE", Bytes: der}
}

func writePEM(file string, blocks ...*pem.Block) error {
	var text []byte
	for _, block := range blocks {
		text = append(text, pem.EncodeToMemory(block)...)
	}
	return os.WriteFile(file, text, 0o600)
}
