package main

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"math/rand/v2"
	"strings"
	"time"

	units "github.com/docker/go-units"
	"github.com/spf13/cobra"

	"warren/clients"
	"warren/cmd/warren/internal/summary"
	"warren/internal/wait"
	"warren/operate/cluster"
	"warren/topology"
)

// production is what the flags of `warren produce` say.
type production struct {
	*options
	endpoints  endpoints
	count      int
	rate       float64
	size       string
	window     int
	timeout    time.Duration
	exchange   string
	routingKey string
	queue      string
	affinity   bool
}

func newProduce(opts *options) *cobra.Command { return (&production{options: opts}).command() }

func (p *production) command() *cobra.Command {
	cmd := &cobra.Command{
		Use:   "produce",
		Short: "Publish messages and say what became of each",
		Long: "Publish messages with publisher confirms, through any number of lost connections, and say what " +
			"became of each.\n\nThe first interrupt stops publishing and waits for what is in flight; the second " +
			"one kills.\nThe exit status is 1 if any message was not confirmed.",
		Example: "  warren produce --count 100 --rate 10 --size 1KiB\n  warren produce --count 0 --rate 1000 " +
			"--direct\n  warren produce --queue orders --json",
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return p.run(cmd.Context(), cmd.OutOrStdout(), cmd.ErrOrStderr())
		},
	}
	flags := cmd.Flags()
	p.endpoints.register(flags)
	flags.IntVar(&p.count, "count", 100, "how many messages; 0 for as many as there is time for")
	flags.Float64Var(&p.rate, "rate", 10, "messages per second; 0 for as fast as they are confirmed")
	flags.StringVar(&p.size, "size", "", "pad each message to `SIZE`, such as 1KiB")
	flags.IntVar(&p.window, "window", 256, "how many messages may wait for their confirms at once")
	flags.DurationVar(&p.timeout, "timeout", 30*time.Second,
		"how long to try a message before it is reported as not confirmed")
	flags.StringVar(&p.exchange, "exchange", topology.DefaultExchange, "exchange to publish to")
	flags.StringVar(&p.routingKey, "routing-key", topology.DefaultRoutingKey, "routing key")
	flags.StringVar(&p.queue, "queue", "", "publish to this queue by its name, not through an exchange")
	flags.BoolVar(&p.affinity, "affinity", true,
		"seek the node that leads the queue; not with --url, nor with an exchange or routing key of your own")
	cmd.MarkFlagsMutuallyExclusive("queue", "exchange")
	cmd.MarkFlagsMutuallyExclusive("queue", "routing-key")
	return cmd
}

func (p *production) run(ctx context.Context, out, errOut io.Writer) error {
	size, err := p.validate()
	if err != nil {
		return err
	}
	urls, outputs, err := p.endpoints.resolve(ctx, p.options)
	if err != nil {
		return err
	}
	config, err := tlsConfig(outputs)
	if err != nil {
		return err
	}
	var locate clients.Locator
	if queue := p.soleQueue(); p.affinity && queue != "" && outputs != nil {
		c, err := cluster.Open(*outputs)
		if err != nil {
			return err
		}
		defer c.Close()
		const vhost = "/" // that of the stack's URLs
		locate = c.Locate(vhost, queue)
	}
	producer, err := clients.NewProducer(urls, clients.WithWindow(p.window),
		clients.WithPublishTimeout(p.timeout),
		clients.WithConnectionName("warren produce"), clients.WithLogger(stateLogger(errOut)),
		clients.WithAffinity(locate),
		clients.WithTLSConfig(config))
	if err != nil {
		return err
	}
	stopLive := func() {}
	if !p.json {
		stopLive = everySecond(out, func() string { return summary.Line(producer.Stats()) })
	}
	account, publishErr := p.publishAll(ctx, producer, size)
	// Publishing has its own deadline, which all that is in flight meets.
	closeCtx, cancel := context.WithTimeout(context.WithoutCancel(ctx), p.timeout+5*time.Second)
	defer cancel()
	closeErr := producer.Close(closeCtx)
	stopLive()
	account.Complete(p.count, producer.Stats())
	if p.json {
		err = printJSON(out, account)
	} else {
		err = account.Print(out)
	}
	return cmp.Or(publishErr, closeErr, account.Verdict(), err)
}

// validate checks the flags and returns the size in bytes.
func (p *production) validate() (size int, err error) {
	switch {
	case p.count < 0:
		return 0, fmt.Errorf("--count is %d, must not be negative", p.count)
	case p.rate < 0:
		return 0, fmt.Errorf("--rate is %v, must not be negative", p.rate)
	case p.timeout <= 0:
		return 0, fmt.Errorf("--timeout is %v, must be positive", p.timeout)
	}
	if p.queue != "" {
		p.exchange, p.routingKey = "", p.queue
	}
	if p.size == "" {
		return 0, nil
	}
	bytes, err := units.RAMInBytes(p.size)
	if err != nil {
		return 0, fmt.Errorf("--size: %w", err)
	}
	return int(bytes), nil
}

// soleQueue is the queue that all messages go to, as far as the flags tell; empty if they do not.
func (p *production) soleQueue() string {
	switch {
	case p.exchange == "":
		return p.routingKey
	case p.exchange == topology.DefaultExchange && p.routingKey == topology.DefaultRoutingKey:
		return topology.DefaultQueue
	}
	return ""
}

// publishAll publishes until the count is reached or ctx ends, and waits for the outcomes. Its error is one
// that every further message would meet.
func (p *production) publishAll(
	ctx context.Context, producer *clients.Producer, size int,
) (*summary.Producer, error) {
	account := summary.Begin()
	inFlight := make(chan *clients.Confirmation, p.window)
	collected := make(chan struct{})
	go func() {
		defer close(collected)
		for c := range inFlight {
			<-c.Done()
			account.Add(c.Err(), c.Latency())
		}
	}()
	var failed error
	pace := newPace(p.rate)
	for n := 1; p.count == 0 || n <= p.count; n++ {
		if pace.wait(ctx) != nil {
			break
		}
		// An interrupt stops publishing; what was begun is brought to its end.
		c, err := producer.PublishAsync(context.WithoutCancel(ctx), clients.Message{
			Exchange: p.exchange, RoutingKey: p.routingKey, ContentType: "application/json",
			Body: tutorialMessage(n, size),
		})
		if err != nil {
			failed = err
			break
		}
		inFlight <- c
	}
	close(inFlight)
	<-collected
	return account, failed
}

// tutorialMessage is the message that the tutorial's producer sends, padded to at least size bytes.
func tutorialMessage(n, size int) []byte {
	message := struct {
		ID        int    `json:"id"`
		Text      string `json:"text"`
		Timestamp string `json:"timestamp"`
		Priority  int    `json:"priority"`
		Padding   string `json:"padding,omitempty"`
	}{
		ID:        n,
		Text:      fmt.Sprintf("Cluster message #%d", n),
		Timestamp: time.Now().Format("2006-01-02T15:04:05.000000"), // as Python's isoformat
		Priority:  rand.IntN(10) + 1,
	}
	body, err := json.Marshal(message)
	const withPadding = len(`,"padding":""`)
	if missing := size - len(body) - withPadding; err == nil && missing > 0 {
		message.Padding = strings.Repeat("x", missing)
		body, err = json.Marshal(message)
	}
	if err != nil {
		panic(err) // numbers and strings always marshal
	}
	return body
}

// pace spreads messages evenly over time. After a delay it goes on from where it is: it does not hurry to
// catch up.
type pace struct {
	interval time.Duration
	due      time.Time
}

func newPace(rate float64) *pace {
	if rate == 0 {
		return &pace{}
	}
	return &pace{interval: time.Duration(float64(time.Second) / rate), due: time.Now()}
}

// wait waits until the next message is due, or ctx ends.
func (p *pace) wait(ctx context.Context) error {
	if p.interval == 0 {
		return ctx.Err()
	}
	now := time.Now()
	// Timers are late by up to a millisecond or so, which at high rates has to be made up for.
	const slack = 100 * time.Millisecond
	if now.Sub(p.due) > slack {
		p.due = now
	}
	pause := p.due.Sub(now)
	p.due = p.due.Add(p.interval)
	return wait.Sleep(ctx, pause)
}
