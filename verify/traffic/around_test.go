package traffic

import (
	"testing"
	"time"

	"github.com/stretchr/testify/assert"
)

// Nothing is done to a cluster over which no traffic flows: what it did to messages would not show.
func TestNothingIsDoneWithoutTraffic(t *testing.T) {
	around := Around{
		Config: Config{
			Queue: "q", Paths: []Path{{Name: "nowhere", Endpoints: []string{"amqp://127.0.0.1:1/"}}}, Rate: 1,
		},
		Patience: 50 * time.Millisecond,
	}
	_, _, err := around.Do(t.Context(), func() error { t.Error("it was done"); return nil })
	assert.ErrorContains(t, err, `traffic does not flow over ["nowhere"]`)
}
