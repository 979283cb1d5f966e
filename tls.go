package session

import (
	"crypto/tls"
	"crypto/x509"
	"io/fs"
	"os"
	"path/filepath"
	"time"
)

// Verify says which authorities a server's certificate must be signed by:
// [VerifyDefault], [CAFile], [RootCAs], or [InsecureSkipVerify] for none. It
// is a field of [Session] and [Request], and an [Option]; nil inherits, and
// what nobody sets is VerifyDefault.
type Verify interface {
	Option
	// verification gives what the connections to be used are kept apart by.
	verification() (verification, error)
}

// verification is a Verify made ready to be compared.
type verification struct {
	insecure bool
	pool     *x509.CertPool
	file     fileStamp
}

// VerifyDefault verifies by the bundle that the environment names, where it is
// trusted and names one, else by the system's authorities. It takes the place
// of a session's Verify for one request.
const VerifyDefault verifyDefault = 0

type verifyDefault int

func (verifyDefault) Apply(r *Request)                    { r.Verify = VerifyDefault }
func (verifyDefault) verification() (verification, error) { return verification{}, nil }

// InsecureSkipVerify accepts any certificate of any host, so that anybody on
// the way can read and change what is sent. It is for tests.
// requests' verify=False.
const InsecureSkipVerify insecureSkipVerify = 0

type insecureSkipVerify int

func (insecureSkipVerify) Apply(r *Request) { r.Verify = InsecureSkipVerify }
func (insecureSkipVerify) verification() (verification, error) {
	return verification{insecure: true}, nil
}

// CAFile verifies by the certificates in a PEM file, or in every file of a
// directory, instead of the system's. A file that is missing
// ([fs.ErrNotExist]) or holds none ([ErrTLS]) is an error of the request that
// needs it. It is read again when its time or size has changed; of a directory
// that is when a file was added to it or removed.
// requests' verify="path".
type CAFile string

// Apply makes a CAFile an [Option]: the request's Verify.
func (f CAFile) Apply(r *Request) { r.Verify = f }

func (f CAFile) verification() (verification, error) {
	stamp, err := stampOf("CAFile", string(f))
	return verification{file: stamp}, err
}

// RootCAs verifies by the certificates of a pool, instead of the system's.
// The pool must not change while it is in use. Two requests share connections
// only if they name the same pool.
func RootCAs(pool *x509.CertPool) Verify { return rootCAs{pool} }

type rootCAs struct{ pool *x509.CertPool }

func (v rootCAs) Apply(r *Request) { r.Verify = v }

func (v rootCAs) verification() (verification, error) {
	if v.pool == nil {
		return verification{}, kindf(ErrTLS, "RootCAs without a pool")
	}
	return verification{pool: v.pool}, nil
}

// Cert is the certificate that a client shows: [CertFile], [ClientCert] or
// [NoCert]. It is a field of [Session] and [Request], and an [Option].
type Cert interface {
	Option
	// certificate gives what the connections to be used are kept apart by.
	certificate() (certificate, error)
}

// certificate is a Cert made ready to be compared.
type certificate struct {
	cert, key fileStamp
	given     *tls.Certificate
}

// NoCert shows no certificate; it removes the session's for one request.
const NoCert noCert = 0

type noCert int

func (noCert) Apply(r *Request)                  { r.Cert = NoCert }
func (noCert) certificate() (certificate, error) { return certificate{}, nil }

// CertFile shows the certificate in the PEM file Cert, with its private key in
// the PEM file Key, or in the same file where Key is "". A file that is missing
// ([fs.ErrNotExist]) or cannot be used ([ErrTLS]) is an error of the request
// that needs it. They are read again when they have changed.
// requests' cert="path" and cert=("cert", "key").
type CertFile struct {
	Cert, Key string // paths
}

// Apply makes a CertFile an [Option]: the request's Cert.
func (f CertFile) Apply(r *Request) { r.Cert = f }

func (f CertFile) certificate() (c certificate, err error) {
	if c.cert, err = stampOf("CertFile", f.Cert); err != nil || f.Key == "" {
		c.key = c.cert
		return c, err
	}
	c.key, err = stampOf("CertFile", f.Key)
	return c, err
}

// ClientCert shows a certificate that is in memory, which must not change
// while it is in use.
func ClientCert(cert *tls.Certificate) Cert { return clientCert{cert} }

type clientCert struct{ cert *tls.Certificate }

func (c clientCert) Apply(r *Request) { r.Cert = c }

func (c clientCert) certificate() (certificate, error) {
	if c.cert == nil {
		return certificate{}, kindf(ErrTLS, "ClientCert without a certificate")
	}
	return certificate{given: c.cert}, nil
}

// fileStamp tells whether a file is the one that was read.
type fileStamp struct {
	path     string
	size     int64
	modified time.Time
}

func stampOf(what, path string) (fileStamp, error) {
	info, err := os.Stat(path)
	if err != nil {
		return fileStamp{}, kindf(ErrTLS, "%s %q: %w", what, path, err)
	}
	return fileStamp{path, info.Size(), info.ModTime()}, nil
}

// tlsKey is the TLS part of what connections are kept apart by: one made with
// verification off is never used with verification on (CVE-2024-35195), nor one
// that shows another certificate.
type tlsKey struct {
	verify verification
	cert   certificate
}

// config makes the TLS settings that the key stands for, out of a base.
func (k tlsKey) config(base *tls.Config) (*tls.Config, error) {
	config := &tls.Config{MinVersion: tls.VersionTLS12}
	if base != nil {
		config = base.Clone()
	}
	if k != (tlsKey{}) && config.ClientSessionCache != nil {
		// a session that is resumed shows the certificate that it was begun
		// with, whatever this setting says (CVE-2016-5419)
		config.ClientSessionCache = tls.NewLRUClientSessionCache(0)
	}
	if k.verify != (verification{}) {
		config.InsecureSkipVerify = k.verify.insecure
	}
	if k.verify.pool != nil {
		config.RootCAs = k.verify.pool
	}
	if path := k.verify.file.path; path != "" {
		pool, err := loadCAs(path)
		if err != nil {
			return nil, err
		}
		config.RootCAs = pool
	}
	knowRefusals(config)
	return config, k.cert.addTo(config)
}

// knowRefusals makes what the verification of a Base's own refuses known for
// what it is, as crypto/tls does with its own.
func knowRefusals(config *tls.Config) {
	if verify := config.VerifyConnection; verify != nil {
		config.VerifyConnection = func(state tls.ConnectionState) error { return refused(verify(state)) }
	}
	if verify := config.VerifyPeerCertificate; verify != nil {
		config.VerifyPeerCertificate = func(raw [][]byte, chains [][]*x509.Certificate) error {
			return refused(verify(raw, chains))
		}
	}
}

func refused(err error) error {
	if err == nil {
		return nil
	}
	return &tls.CertificateVerificationError{Err: err}
}

func (c certificate) addTo(config *tls.Config) error {
	if c.given != nil {
		config.Certificates = []tls.Certificate{*c.given}
	}
	if c.cert.path != "" {
		pair, err := tls.LoadX509KeyPair(c.cert.path, c.key.path)
		if err != nil {
			return kindf(ErrTLS, "certificate %q, key %q: %w", c.cert.path, c.key.path, err)
		}
		config.Certificates = []tls.Certificate{pair}
	}
	return nil
}

// loadCAs reads the certificates of a file, or of the files of a directory.
func loadCAs(path string) (*x509.CertPool, error) {
	files := []string{path}
	if info, err := os.Stat(path); err == nil && info.IsDir() {
		entries, err := os.ReadDir(path)
		if err != nil {
			return nil, wrapKind(ErrTLS, err)
		}
		files = regularFiles(path, entries)
	}
	pool, found := x509.NewCertPool(), false
	for _, file := range files {
		data, err := os.ReadFile(file)
		if err != nil {
			return nil, wrapKind(ErrTLS, err)
		}
		found = pool.AppendCertsFromPEM(data) || found
	}
	if !found {
		return nil, kindf(ErrTLS, "no certificate in %q", path)
	}
	return pool, nil
}

func regularFiles(dir string, entries []fs.DirEntry) []string {
	var files []string
	for _, entry := range entries {
		path := filepath.Join(dir, entry.Name())
		// hashed directories hold links to the files
		if info, err := os.Stat(path); err == nil && info.Mode().IsRegular() {
			files = append(files, path)
		}
	}
	return files
}
