package main

import (
	"crypto/tls"
	"crypto/x509"
	"fmt"
	"io"
	"log"
	"net"
	"net/http"
	"net/http/httptest"
	"sync"
	"sync/atomic"
)

// newService starts a server whose certificate the authority has signed. It
// greets whoever shows a client certificate by name.
func newService(a *authority) (*httptest.Server, error) {
	cert, err := a.issue("service", 2, x509.ExtKeyUsageServerAuth)
	if err != nil {
		return nil, err
	}
	clients := x509.NewCertPool()
	clients.AddCert(a.cert)
	service := httptest.NewUnstartedServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		name := "stranger"
		if len(r.TLS.PeerCertificates) > 0 {
			name = r.TLS.PeerCertificates[0].Subject.CommonName
		}
		fmt.Fprintf(w, "hello, %s", name)
	}))
	service.TLS = &tls.Config{
		Certificates: []tls.Certificate{cert},
		ClientAuth:   tls.VerifyClientCertIfGiven,
		ClientCAs:    clients,
	}
	service.Config.ErrorLog = log.New(io.Discard, "", 0) // one client will not trust us
	service.StartTLS()
	return service, nil
}

// forwardProxy is a small forward proxy: it opens tunnels to one address, for
// those who know the password.
type forwardProxy struct {
	to, user, password string
	tunnels            atomic.Int32 // that were opened
}

func (p *forwardProxy) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	// net/http reads Authorization only; a proxy's credentials have the same form
	r.Header.Set("Authorization", r.Header.Get("Proxy-Authorization"))
	user, password, _ := r.BasicAuth()
	switch {
	case user != p.user || password != p.password:
		w.Header().Set("Proxy-Authenticate", `Basic realm="proxy"`)
		http.Error(w, "who are you?", http.StatusProxyAuthRequired)
	case r.Method != http.MethodConnect || r.Host != p.to:
		http.Error(w, "this proxy leads elsewhere", http.StatusForbidden)
	default:
		p.tunnel(w)
	}
}

func (p *forwardProxy) tunnel(w http.ResponseWriter) {
	server, err := net.Dial("tcp", p.to)
	if err != nil {
		http.Error(w, "no connection", http.StatusBadGateway)
		return
	}
	defer server.Close()
	client, buffered, err := http.NewResponseController(w).Hijack()
	if err != nil {
		return
	}
	defer client.Close()
	p.tunnels.Add(1)
	fmt.Fprint(client, "HTTP/1.1 200 Connection established\r\n\r\n")

	var both sync.WaitGroup
	both.Go(func() { _, _ = io.Copy(server, buffered); server.Close() })
	both.Go(func() { _, _ = io.Copy(client, server); client.Close() })
	both.Wait()
}
