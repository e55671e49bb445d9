package bench

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"warren/operate/cluster"
	"warren/verify/checker"
	"warren/verify/fault"
	"warren/verify/history"
	"warren/verify/scenario"
)

// The metrics of an outage: the longest time without a confirm and without a delivery, through the load balancer and
// straight to the nodes; and how many of the messages that count as confirmed were never delivered.
var outageMetrics = []Metric{
	{"confirms, any node", Seconds}, {"confirms, load balancer", Seconds},
	{"deliveries, any node", Seconds}, {"deliveries, load balancer", Seconds},
	{"lost", Messages},
}

// The rows of the outages.
const (
	rowWarren     = "Warren"
	rowStock      = "stock settings, Warren's client"
	rowPeer       = "Warren's cluster, go-rabbitmq v0.15.0"
	rowConfirming = "Warren's cluster, tutorial's clients, confirming"
	rowToldFully  = "tutorial, its clients made to confirm"
	rowTold       = "tutorial, its clients as they are"
)

// outages compares for how long nothing is confirmed, and nothing delivered, when something fails.
func outages() []Comparison {
	isolated := outage("leader-isolated", "The node that leads the queue is cut off from its peers, and clients still reach it.", bounds(4, 4)...)
	isolated.Claims = append(isolated.Claims,
		Claim{Row: rowStock, Metric: "confirms, any node", Against: rowWarren, AtLeast: 2.5},
		Claim{Row: rowStock, Metric: "confirms, load balancer", Against: rowWarren, AtLeast: 2.5})
	killed := outage("load-balancer-killed", "The load balancer is killed, and started again after a while.",
		Claim{Row: rowWarren, Metric: "confirms, any node", AtMost: 0.25},
		Claim{Row: rowWarren, Metric: "deliveries, any node", AtMost: 0.25},
		Claim{Row: rowWarren, Metric: afterRestart.Name, AtMost: 0.3},
		Claim{Row: rowWarren, Metric: deliveredAfterRestart.Name, AtMost: 0.8})
	killed.Metrics = slices.Concat(killed.Metrics, []Metric{afterRestart, deliveredAfterRestart})
	crashed := outage("leader-killed", "The node that leads the queue is killed (SIGKILL).", bounds(0.3, 0.6)...)
	for _, c := range []*Comparison{&crashed, &isolated} {
		c.Metrics = slices.Concat(c.Metrics, accountMetrics)
	}
	return []Comparison{
		crashed,
		isolated,
		outage("rolling-restart", "Every node is restarted gracefully, one after the other.", bounds(1, 1)...),
		killed,
	}
}

// The outage through the load balancer from the moment at which it lets clients through again.
var (
	afterRestart          = Metric{"confirms, after its restart", Seconds}
	deliveredAfterRestart = Metric{"deliveries, after its restart", Seconds}
)

// bounds are the claims on Warren's outages, in seconds: straight to the nodes and through the load balancer;
// deliveries may take half a second more.
func bounds(anyNode, balanced float64) []Claim {
	const delivery = 0.5
	return []Claim{
		{Row: rowWarren, Metric: "confirms, any node", AtMost: anyNode},
		{Row: rowWarren, Metric: "confirms, load balancer", AtMost: balanced},
		{Row: rowWarren, Metric: "deliveries, any node", AtMost: anyNode + delivery},
		{Row: rowWarren, Metric: "deliveries, load balancer", AtMost: balanced + delivery},
	}
}

// outage is the comparison of one fault. Warren's clients suffer it alone, on either settings; others several kinds at the same time, each with a
// queue of its own.
func outage(name, what string, claims ...Claim) Comparison {
	return Comparison{
		Name:    "outage/" + name,
		Shows:   what + " The longest time without a confirm, and without a delivery.",
		Metrics: outageMetrics,
		Sides: []Side{
			{rowWarren, suffer{name, (*Lab).UnderTest, true, []suffering{{rowWarren, warrenCrew}}}.measure},
			{"Warren's cluster", suffer{name, (*Lab).UnderTest, true, []suffering{{rowPeer, peerCrew}, {rowConfirming, confirmingCrew}}}.measure},
			{rowStock, suffer{name, (*Lab).Stock, true, []suffering{{rowStock, warrenCrew}}}.measure},
			{"tutorial", suffer{name, (*Lab).Tutorial, false, []suffering{{rowToldFully, confirmingCrew}, {rowTold, tutorialCrew}}}.measure},
		},
		Claims: claims,
	}
}

// suffer is one fault that clients of a cluster suffer.
type suffer struct {
	fault   string
	cluster func(*Lab, context.Context) (*cluster.Cluster, error)
	// sound clusters become healthy; that of the tutorial does not, since its load balancer holds every management
	// interface for down.
	sound bool
	crews []suffering
}

// suffering is a kind of client, and the row of the table that shows it.
type suffering struct {
	row  string
	crew crew
}

func (s suffer) measure(ctx context.Context, lab *Lab) ([]Sample, error) {
	k, err := s.cluster(lab, ctx)
	if err != nil {
		return nil, err
	}
	f, err := fault.Find(s.fault)
	if err != nil {
		return nil, err
	}
	if !s.sound && s.fault == "rolling-restart" {
		f.Inject = restartInTurn
	}
	if err := f.Available(k); err != nil {
		return nil, &MissingError{What: "what the fault " + s.fault + " needs", Hint: err.Error()}
	}
	crews, lacking, err := s.have(ctx)
	if err != nil {
		return nil, err
	}

	rig := &rig{cluster: k, sound: s.sound, crews: crews}
	if s.fault == "load-balancer-killed" {
		f.Inject = rig.watched(f.Inject)
	}
	limits := scenario.DefaultLimits()
	limits.Patience = drainPatience
	limits.CoolDown = s.coolDown()
	limits.Healthy = bootTimeout
	runner := scenario.Runner{Cluster: k, Rig: rig, Limits: limits}
	result, h := runner.Play(ctx, scenario.Single(f, s.hold(lab)))
	if result.Error != "" {
		return nil, errors.New(result.Error)
	}
	var samples []Sample
	for _, c := range s.crews {
		if why, lacks := lacking[c.row]; lacks {
			samples = append(samples, Sample{Row: c.row, Missing: why.Error()})
			continue
		}
		values := outageValues(result.Verdict, h, c.crew, servedAgain(h))
		maps.Copy(values, account(h, result.Logs, c.crew, c.crew.queue(rig.target)))
		samples = append(samples, Sample{Row: c.row, Values: values})
	}
	return samples, nil
}

// drainPatience is how long a client that lost its consumer may take to get it back, once the fault is over.
const drainPatience = 12 * time.Second

// coolDown is how long traffic goes on when the cluster has recovered. Clients other than Warren's wait five seconds before they
// connect again.
func (s suffer) coolDown() time.Duration {
	for _, c := range s.crews {
		if c.crew.Name != warrenCrew.Name {
			return 7 * time.Second
		}
	}
	return 2 * time.Second
}

// have returns the crews that this machine can run, and for the rows of the others why not.
func (s suffer) have(ctx context.Context) ([]crew, map[string]error, error) {
	var crews []crew
	lacking := map[string]error{}
	for _, c := range s.crews {
		err := c.crew.Available(ctx)
		var lacks *MissingError
		switch {
		case errors.As(err, &lacks):
			lacking[c.row] = err
		case err != nil:
			return nil, nil, fmt.Errorf("%s: %w", c.row, err)
		default:
			crews = append(crews, c.crew)
		}
	}
	if len(crews) == 0 {
		for _, err := range lacking {
			return nil, nil, err
		}
	}
	return crews, lacking, nil
}

// hold is how long the fault stays in.
func (s suffer) hold(lab *Lab) time.Duration {
	if s.fault == "leader-isolated" {
		return lab.Cut
	}
	return 0
}

// outageValues are the values of outageMetrics for one crew. Served is when the load balancer let clients through again after
// its restart; 0 if it was not restarted.
func outageValues(v checker.Verdict, h history.History, c crew, served time.Duration) map[string]float64 {
	paths := map[string]checker.PathVerdict{}
	for _, p := range v.Paths {
		paths[p.Path] = p
	}
	anyNode, balanced := paths[c.path(history.AnyNode)], paths[c.path(history.LoadBalancer)]
	values := map[string]float64{
		"confirms, any node":        anyNode.Confirms.Longest.Length().Seconds(),
		"confirms, load balancer":   balanced.Confirms.Longest.Length().Seconds(),
		"deliveries, any node":      anyNode.Deliveries.Longest.Length().Seconds(),
		"deliveries, load balancer": balanced.Deliveries.Longest.Length().Seconds(),
		"lost":                      float64(countLost(h, c)),
	}
	if served > 0 {
		values[afterRestart.Name] = max(0, (balanced.Confirms.Longest.To - served).Seconds())
		values[deliveredAfterRestart.Name] = max(0, (balanced.Deliveries.Longest.To - served).Seconds())
	}
	return values
}

// countLost counts the messages of a crew that were confirmed and never delivered.
func countLost(h history.History, c crew) int {
	delivered := map[string]bool{}
	for _, d := range h.Deliveries {
		delivered[d.ID] = true
	}
	lost := 0
	for _, p := range h.Publishes {
		if p.Outcome == history.Confirmed && !delivered[p.ID] && (p.Path == c.path(history.AnyNode) || p.Path == c.path(history.LoadBalancer)) {
			lost++
		}
	}
	return lost
}
