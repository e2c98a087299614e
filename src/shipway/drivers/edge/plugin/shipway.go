// Package shipway has the middlewares of the edge that Traefik lacks. Traefik interprets this file, which is copied into
// the container before it starts, so that nothing has to be downloaded.
package shipway

import (
	"context"
	"crypto/rand"
	"crypto/subtle"
	"encoding/hex"
	"encoding/json"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
)

// Config is a middleware's part of the dynamic configuration.
type Config struct {
	Mode string `json:"mode"` // identify, maintain, limit, guard, files or authority
	Page string `json:"page"` // of maintain: HTML
	Body string `json:"body"` // of limit: bytes of a request's body
}

// CreateConfig is called by Traefik.
func CreateConfig() *Config { return &Config{} }

const (
	header    = "X-Request-Id"
	longest   = 128
	folder    = "/routes"
	beside    = "/routes/next" // not watched: a file takes effect when it is renamed
	largest   = 8 << 20
	extension = ".yml"
)

// New creates the handler of one middleware.
func New(_ context.Context, next http.Handler, config *Config, _ string) (http.Handler, error) {
	switch config.Mode {
	case "maintain":
		return maintain([]byte(config.Page)), nil
	case "limit":
		most, err := strconv.ParseInt(config.Body, 10, 64)
		return limit(next, most), err
	case "guard":
		return guard(next), nil
	case "files":
		if err := os.MkdirAll(beside, 0o755); err != nil {
			return nil, err
		}
		return guard(http.HandlerFunc(files)), prepare()
	case "authority":
		renewing.Do(func() { go renew() })
		return guard(http.HandlerFunc(certificates)), nil
	}
	return identify(next), nil
}

// identify assigns an id to each request; a valid one of the client is kept.
func identify(next http.Handler) http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		id := request.Header.Get(header)
		if !valid(id) {
			var random [16]byte
			_, _ = rand.Read(random[:])
			id = hex.EncodeToString(random[:])
			request.Header.Set(header, id)
		}
		answer.Header().Set(header, id)
		next.ServeHTTP(answer, request)
	})
}

func valid(id string) bool {
	return id != "" && len(id) <= longest && strings.Trim(id, "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789._:/+=@-") == ""
}

func maintain(page []byte) http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		answer.Header().Set("Content-Type", "text/html; charset=utf-8")
		answer.Header().Set("Cache-Control", "no-store")
		answer.Header().Set("Retry-After", "60")
		answer.WriteHeader(http.StatusServiceUnavailable)
		_, _ = answer.Write(page)
	})
}

// limit rejects requests whose body is too long. One that doesn't announce its length is cut off where it exceeds the limit.
func limit(next http.Handler, most int64) http.Handler {
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		if request.ContentLength > most {
			answer.Header().Set("Connection", "close")
			http.Error(answer, "the request body is too large", http.StatusRequestEntityTooLarge)
			return
		}
		request.Body = http.MaxBytesReader(answer, request.Body, most)
		next.ServeHTTP(answer, request)
	})
}

// guard requires the token in this container's environment, which only users of its engine can read.
func guard(next http.Handler) http.Handler {
	token := []byte(os.Getenv("SHIPWAY_TOKEN"))
	return http.HandlerFunc(func(answer http.ResponseWriter, request *http.Request) {
		given := []byte(request.Header.Get("X-Shipway-Token"))
		if len(token) == 0 || subtle.ConstantTimeCompare(given, token) != 1 {
			http.Error(answer, "forbidden", http.StatusForbidden)
			return
		}
		next.ServeHTTP(answer, request)
	})
}

// files reads and replaces the route files. GET /routes/ returns all of them as JSON: content by name.
func files(answer http.ResponseWriter, request *http.Request) {
	name := strings.TrimPrefix(request.URL.Path, folder+"/")
	if name != "" && (strings.ContainsAny(name, "/\\") || !strings.HasSuffix(name, extension)) {
		http.Error(answer, "no such file", http.StatusNotFound)
		return
	}
	var err error
	switch request.Method {
	case http.MethodPut:
		err = replace(filepath.Join(folder, name), http.MaxBytesReader(answer, request.Body, largest))
	case http.MethodDelete:
		err = os.Remove(filepath.Join(folder, name))
		if os.IsNotExist(err) {
			err = nil
		}
	default:
		err = list(answer)
	}
	if err != nil {
		http.Error(answer, err.Error(), http.StatusInternalServerError)
	}
}

func replace(path string, content io.Reader) error {
	file, err := os.CreateTemp(beside, "")
	if err != nil {
		return err
	}
	defer os.Remove(file.Name())
	if _, err = io.Copy(file, content); err == nil {
		err = file.Sync()
	}
	if closed := file.Close(); err == nil {
		err = closed
	}
	if err != nil {
		return err
	}
	return os.Rename(file.Name(), path)
}

func list(answer http.ResponseWriter) error {
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	found := map[string]string{}
	for _, entry := range entries {
		if !strings.HasSuffix(entry.Name(), extension) {
			continue
		}
		content, err := os.ReadFile(filepath.Join(folder, entry.Name()))
		if err != nil {
			return err
		}
		found[entry.Name()] = string(content)
	}
	return json.NewEncoder(answer).Encode(found)
}
