package bench

import (
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"strconv"
	"time"

	"warren/verify/traffic"
)

// measureTutorialProducer measures the usual load with the tutorial's producer, which waits for every confirm.
func measureTutorialProducer(ctx context.Context, lab *Lab) ([]Sample, error) {
	c := lab.Warren
	queue := traffic.Queue{Name: fmt.Sprintf("warren-bench-%d", time.Now().UnixNano()), Type: usual.Queue, Node: c.Nodes()[0].NodeName}
	if err := declareQueue(ctx, queue, c); err != nil {
		return nil, err
	}
	defer lab.cleanUp(ctx, func(ctx context.Context) error { return queue.Delete(ctx, c) })

	const script = "flood.py"
	seconds := func(d time.Duration) string { return strconv.FormatFloat(d.Seconds(), 'f', -1, 64) }
	cmd, done, err := python(ctx, usual.endpoint(c), script,
		queue.Name, strconv.Itoa(usual.Size), seconds(loadWarmUp), seconds(lab.LoadTime))
	if err != nil {
		return nil, err
	}
	defer lab.cleanUp(ctx, func(context.Context) error { return done() })
	var stdout, stderr bytes.Buffer
	cmd.Stdout, cmd.Stderr = &stdout, &stderr
	if err := cmd.Run(); err != nil {
		return nil, scriptError(script, err, stderr.String())
	}
	var found struct {
		Confirmed int
		Seconds   float64
		Latencies []float64
	}
	if err := json.Unmarshal(stdout.Bytes(), &found); err != nil {
		return nil, scriptError(script, err, stderr.String())
	}
	latencies := make([]time.Duration, len(found.Latencies))
	for i, l := range found.Latencies {
		latencies[i] = time.Duration(l * float64(time.Second))
	}
	values := latencyValues(latencies)
	values["confirmed"] = float64(found.Confirmed) / found.Seconds
	return []Sample{{Values: values}}, nil
}
