// An API whose callers send access tokens of the service at ISSUER.
package main

import (
	"encoding/json"
	"errors"
	"log"
	"net/http"
	"os"
	"strings"
	"sync"
	"time"

	"gopkg.in/square/go-jose.v2"
	"gopkg.in/square/go-jose.v2/jwt"
)

var issuer = os.Getenv("ISSUER") // such as https://auth.example.com

var (
	errNoKeys  = errors.New("the service's keys cannot be read")
	errInvalid = errors.New("not an access token of this service")
)

type keySet struct {
	mutex   sync.Mutex
	keys    jose.JSONWebKeySet
	fetched time.Time
}

var published keySet

// find asks the service for its keys if it does not know this one, and every ten minutes, so that a key
// that was removed is soon refused.
func (set *keySet) find(id string) (*jose.JSONWebKey, error) {
	set.mutex.Lock()
	defer set.mutex.Unlock()
	age := time.Since(set.fetched)
	if age > 10*time.Minute || len(set.keys.Key(id)) == 0 && age > 30*time.Second {
		client := http.Client{Timeout: 5 * time.Second}
		response, err := client.Get(issuer + "/.well-known/jwks.json")
		if err != nil {
			return nil, errNoKeys
		}
		defer response.Body.Close()
		var keys jose.JSONWebKeySet
		if response.StatusCode != 200 || json.NewDecoder(response.Body).Decode(&keys) != nil {
			return nil, errNoKeys
		}
		set.keys, set.fetched = keys, time.Now()
	}
	for _, key := range set.keys.Key(id) {
		return &key, nil
	}
	return nil, errInvalid
}

func claimsOf(token string) (*jwt.Claims, error) {
	parsed, err := jwt.ParseSigned(token)
	if err != nil || len(parsed.Headers) != 1 {
		return nil, errInvalid
	}
	header := parsed.Headers[0]
	if header.Algorithm != "ES256" || header.ExtraHeaders[jose.HeaderType] != "at+jwt" {
		return nil, errInvalid
	}
	key, err := published.find(header.KeyID)
	if err != nil {
		return nil, err
	}
	var claims jwt.Claims
	if parsed.Claims(key, &claims) != nil {
		return nil, errInvalid
	}
	// This machine's clock may be behind the service's; a new token then comes from the future.
	expected := jwt.Expected{Issuer: issuer, Audience: jwt.Audience{issuer}, Time: time.Now()}
	if claims.Expiry == nil || claims.Subject == "" || claims.ValidateWithLeeway(expected, 5*time.Second) != nil {
		return nil, errInvalid
	}
	return &claims, nil
}

func me(response http.ResponseWriter, request *http.Request) {
	token := strings.TrimPrefix(request.Header.Get("Authorization"), "Bearer ")
	claims, err := claimsOf(token)
	if err == errNoKeys {
		http.Error(response, err.Error(), http.StatusServiceUnavailable)
		return
	}
	if err != nil {
		response.Header().Set("WWW-Authenticate", "Bearer")
		http.Error(response, err.Error(), http.StatusUnauthorized)
		return
	}
	response.Header().Set("Content-Type", "application/json")
	json.NewEncoder(response).Encode(map[string]string{"user": claims.Subject})
}

func main() {
	http.HandleFunc("/me", me)
	log.Fatal(http.ListenAndServe(os.Getenv("LISTEN"), nil)) // such as localhost:8000
}
