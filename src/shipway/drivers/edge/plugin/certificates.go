package shipway

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/json"
	"encoding/pem"
	"errors"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"
)

// The local CA of this edge. Its key stays in the edge's volume. Certificates are issued and renewed here, so that they
// don't expire between deployments.
const (
	vault       = folder + "/authority" // without an extension that Traefik reads
	authority   = "authority.pem"
	day         = 24 * time.Hour
	whole       = 3650 * day
	leaf        = 90 * day
	renewal     = 30 * day // remaining validity at which a certificate is renewed
	defaultFile = "_default.yml"
	prefix      = "_certificate."
)

var (
	making   sync.Mutex
	renewing sync.Once
)

type pair struct {
	CertFile string `json:"certFile"`
	KeyFile  string `json:"keyFile"`
}

// prepare creates Traefik's default certificate. Without one, Traefik generates an RSA key on every change of routes,
// which takes 100 ms or more.
func prepare() error {
	if _, err := os.Stat(filepath.Join(folder, defaultFile)); err == nil {
		return nil
	}
	made, err := issue("shipway.invalid", whole, nil, nil)
	if err != nil {
		return err
	}
	stores := map[string]any{"default": map[string]any{"defaultCertificate": made}}
	return write(defaultFile, map[string]any{"tls": map[string]any{"stores": stores}})
}

// certificates serves the CA's certificate at GET /authority/, and issues one for a host at PUT /authority/HOST.
func certificates(answer http.ResponseWriter, request *http.Request) {
	making.Lock()
	defer making.Unlock()
	host := strings.TrimPrefix(request.URL.Path, "/authority/")
	if strings.ContainsAny(host, "/\\") {
		http.Error(answer, "no such host", http.StatusNotFound)
		return
	}
	root, key, err := load()
	if err == nil && request.Method == http.MethodPut {
		err = certify(host, root, key)
	}
	if err != nil {
		http.Error(answer, err.Error(), http.StatusInternalServerError)
		return
	}
	_, _ = answer.Write(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: root.Raw}))
}

// renew renews all issued certificates, at the start and then twice a day.
func renew() {
	for ; ; time.Sleep(12 * time.Hour) {
		making.Lock()
		found, _ := filepath.Glob(filepath.Join(folder, prefix+"*"+extension))
		for _, path := range found {
			host := strings.TrimSuffix(strings.TrimPrefix(filepath.Base(path), prefix), extension)
			root, key, err := load()
			if err == nil {
				err = certify(host, root, key)
			}
			if err != nil {
				os.Stderr.WriteString("the certificate of " + host + " can't be renewed: " + err.Error() + "\n")
			}
		}
		making.Unlock()
	}
}

func certify(host string, root *x509.Certificate, key *ecdsa.PrivateKey) error {
	name := prefix + host + extension
	if fresh(name, root) {
		return nil
	}
	made, err := issue(host, leaf, root, key)
	if err != nil {
		return err
	}
	return write(name, map[string]any{"tls": map[string]any{"certificates": []any{made}}})
}

// fresh reports whether there is a certificate of this CA that is valid for long enough.
func fresh(name string, root *x509.Certificate) bool {
	content, err := os.ReadFile(filepath.Join(folder, name))
	if err != nil {
		return false
	}
	var found struct {
		TLS struct {
			Certificates []pair `json:"certificates"`
		} `json:"tls"`
	}
	if json.Unmarshal(content, &found) != nil || len(found.TLS.Certificates) != 1 {
		return false
	}
	certificate, err := parse([]byte(found.TLS.Certificates[0].CertFile))
	return err == nil && certificate.CheckSignatureFrom(root) == nil && time.Until(certificate.NotAfter) > renewal
}

// load reads the CA, which is created on first use.
func load() (*x509.Certificate, *ecdsa.PrivateKey, error) {
	path := filepath.Join(vault, authority)
	content, err := os.ReadFile(path)
	if os.IsNotExist(err) {
		if err = os.MkdirAll(vault, 0o700); err != nil {
			return nil, nil, err
		}
		made, err := issue("", whole, nil, nil)
		if err != nil {
			return nil, nil, err
		}
		content = []byte(made.CertFile + made.KeyFile)
		err = replace(path, strings.NewReader(string(content)))
		if err != nil {
			return nil, nil, err
		}
	} else if err != nil {
		return nil, nil, err
	}
	root, err := parse(content)
	if err != nil {
		return nil, nil, err
	}
	_, rest := pem.Decode(content)
	block, _ := pem.Decode(rest)
	if block == nil {
		return nil, nil, errors.New("the local CA has no key")
	}
	key, err := x509.ParseECPrivateKey(block.Bytes)
	return root, key, err
}

func parse(content []byte) (*x509.Certificate, error) {
	block, _ := pem.Decode(content)
	if block == nil {
		return nil, errors.New("no certificate")
	}
	return x509.ParseCertificate(block.Bytes)
}

// issue creates a key and its certificate: a CA's without a host, a self-signed one without a root.
func issue(host string, life time.Duration, root *x509.Certificate, signer *ecdsa.PrivateKey) (pair, error) {
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return pair{}, err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return pair{}, err
	}
	now := time.Now()
	template := &x509.Certificate{
		SerialNumber:          serial,
		NotBefore:             now.Add(-time.Hour), // clocks differ
		NotAfter:              now.Add(life),
		BasicConstraintsValid: true,
		KeyUsage:              x509.KeyUsageDigitalSignature,
	}
	if host == "" {
		template.IsCA = true
		template.MaxPathLenZero = true
		template.KeyUsage = x509.KeyUsageCertSign | x509.KeyUsageCRLSign
		template.Subject = pkix.Name{CommonName: "Shipway edge " + now.UTC().Format("2006-01-02 15:04:05")}
	} else {
		template.ExtKeyUsage = []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}
		template.Subject = pkix.Name{CommonName: host}
		if address := net.ParseIP(host); address != nil {
			template.IPAddresses = []net.IP{address}
		} else {
			template.DNSNames = []string{host}
		}
	}
	if root == nil {
		root, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, root, &key.PublicKey, signer)
	if err != nil {
		return pair{}, err
	}
	secret, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		return pair{}, err
	}
	return pair{
		CertFile: string(pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der})),
		KeyFile:  string(pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: secret})),
	}, nil
}

func write(name string, content any) error {
	text, err := json.Marshal(content)
	if err != nil {
		return err
	}
	return replace(filepath.Join(folder, name), strings.NewReader(string(text)))
}
