package suite

import (
	"warren/bench/compare"
	"warren/bench/lab"
	"warren/bench/load"

	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"warren/verify/traffic"
)

// measureTutorialProducer measures the usual load with the tutorial's producer, which waits for every
// confirm.
func measureTutorialProducer(ctx context.Context, place *lab.Lab) ([]compare.Sample, error) {
	c := place.Warren
	queue := traffic.Queue{Name: fmt.Sprintf("%s%d", lab.QueuePrefix, time.Now().UnixNano()), Type: usual.Queue,
		Node: c.Nodes()[0].NodeName}
	if err := lab.DeclareQueue(ctx, queue, c); err != nil {
		return nil, err
	}
	defer place.CleanUp(ctx, func(ctx context.Context) error { return queue.Delete(ctx, c) })

	const script = "flood.py"
	seconds := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
	printed, err := lab.RunScript(ctx, load.WarmUp+place.LoadTime+load.End, usual.Endpoint(c), script, nil,
		queue.Name, strconv.Itoa(usual.Size), seconds(load.WarmUp), seconds(place.LoadTime))
	if err != nil {
		return nil, err
	}
	var found struct {
		Confirmed int
		Seconds   float64
		Latencies []float64
	}
	if err := json.Unmarshal(printed, &found); err != nil {
		return nil, lab.ScriptError(script, err, string(printed))
	}
	latencies := make([]time.Duration, len(found.Latencies))
	for i, l := range found.Latencies {
		latencies[i] = time.Duration(l * float64(time.Second))
	}
	values := load.LatencyValues(latencies)
	values["confirmed"] = float64(found.Confirmed) / found.Seconds
	return []compare.Sample{{Values: values}}, nil
}
