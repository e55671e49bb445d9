package peer

import (
	"bytes"
	"context"
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"strconv"
	"time"

	"warren/topology"
)

// timeout bounds a question to a peer. It answers from memory.
const timeout = 3 * time.Second

// signature is the header with the proof that a message comes from somebody who has the cluster's Erlang
// cookie.
const signature = "Warren-Signature"

// Client asks other agents.
type Client struct {
	key  []byte
	http *http.Client
}

// NewClient returns a client for the agents of the cluster whose Erlang cookie is given. A nil dial
// connects to them by their host names.
func NewClient(
	cookie string, dial func(ctx context.Context, network, address string) (net.Conn, error),
) *Client {
	if dial == nil {
		dial = (&net.Dialer{Timeout: timeout}).DialContext
	}
	return &Client{key: key(cookie), http: &http.Client{
		Timeout:   timeout,
		Transport: &http.Transport{DialContext: dial, IdleConnTimeout: time.Minute},
	}}
}

// key is what agents sign messages with.
func key(cookie string) []byte {
	k, err := hkdf.Key(sha256.New, []byte(cookie), nil, "warren agents' messages", sha256.Size)
	if err != nil {
		panic("peer: " + err.Error()) // only if more bytes were asked for than HKDF has
	}
	return k
}

func sign(key, message []byte) string {
	mac := hmac.New(sha256.New, key)
	mac.Write(message)
	return hex.EncodeToString(mac.Sum(nil))
}

func url(host, path string) string {
	return "http://" + net.JoinHostPort(host, strconv.Itoa(topology.AgentPortOf(host))) + path
}

// Status asks the agent on a host how it stands.
func (c *Client) Status(ctx context.Context, host string) (Status, error) {
	var status Status
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, url(host, "/status"), nil)
	if err != nil {
		return status, err
	}
	response, err := c.http.Do(request)
	if err != nil {
		return status, err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusOK {
		return status, fmt.Errorf("the agent on %s answers %s", host, response.Status)
	}
	return status, json.NewDecoder(response.Body).Decode(&status)
}

// Farewell tells the agent on a host that the whole stack goes.
func (c *Client) Farewell(ctx context.Context, host string) error {
	message := []byte("farewell to " + host)
	request, err := http.NewRequestWithContext(ctx, http.MethodPost, url(host, "/farewell"),
		bytes.NewReader(message))
	if err != nil {
		return err
	}
	request.Header.Set(signature, sign(c.key, message))
	response, err := c.http.Do(request)
	if err != nil {
		return err
	}
	defer response.Body.Close()
	if response.StatusCode != http.StatusNoContent {
		return fmt.Errorf("the agent on %s answers %s", host, response.Status)
	}
	return nil
}
