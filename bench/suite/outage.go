package suite

import (
	"warren/bench/compare"
	"warren/bench/crew"
	"warren/bench/lab"

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

// The metrics of an outage: the longest time without a confirm and without a delivery, through the load
// balancer and straight to the nodes; and how many of the messages that count as confirmed were never
// delivered.
var outageMetrics = []compare.Metric{
	{Name: "confirms, any node", Unit: compare.Seconds},
	{Name: "confirms, load balancer", Unit: compare.Seconds},
	{Name: "deliveries, any node", Unit: compare.Seconds},
	{Name: "deliveries, load balancer", Unit: compare.Seconds},
	{Name: "lost", Unit: compare.Messages},
}

// The rows of the outages.
const (
	rowWarren             = "Warren"
	rowStock              = "stock settings, Warren's client"
	rowPeer               = "Warren's cluster, go-rabbitmq v0.15.0"
	rowConfirming         = "Warren's cluster, tutorial's clients, confirming"
	rowTutorialConfirming = "tutorial, its clients made to confirm"
	rowTutorial           = "tutorial, its clients as they are"
)

// outages compares for how long nothing is confirmed, and nothing delivered, when something fails.
func outages() []compare.Comparison {
	isolated := outage("leader-isolated", "The node that leads the queue is cut off from its peers, and "+
		"clients still reach it.", bounds(4, 4)...)
	isolated.Claims = append(isolated.Claims,
		compare.Claim{Row: rowStock, Metric: "confirms, any node", Against: rowWarren, AtLeast: 2.5},
		compare.Claim{Row: rowStock, Metric: "confirms, load balancer", Against: rowWarren, AtLeast: 2.5})
	killed := outage("load-balancer-killed", "The load balancer is killed, and started again after a while.",
		compare.Claim{Row: rowWarren, Metric: "confirms, any node", AtMost: 0.25},
		compare.Claim{Row: rowWarren, Metric: "deliveries, any node", AtMost: 0.25},
		compare.Claim{Row: rowWarren, Metric: afterRestart.Name, AtMost: 0.3},
		compare.Claim{Row: rowWarren, Metric: deliveredAfterRestart.Name, AtMost: 0.8})
	killed.Metrics = slices.Concat(killed.Metrics, []compare.Metric{afterRestart, deliveredAfterRestart})
	crashed := outage("leader-killed", "The node that leads the queue is killed (SIGKILL).", bounds(0.3, 0.6)...)
	for _, c := range []*compare.Comparison{&crashed, &isolated} {
		c.Metrics = slices.Concat(c.Metrics, breakdownMetrics)
	}
	rolling := outage("rolling-restart", "Every node is restarted gracefully, one after the other.",
		bounds(1, 1)...)
	rolling.Claims = append(rolling.Claims,
		compare.Claim{Row: rowWarren, Metric: "confirms, any node", Against: rowStock, AtMost: 1},
		compare.Claim{Row: rowWarren, Metric: "confirms, load balancer", Against: rowStock, AtMost: 1})
	return []compare.Comparison{
		crashed,
		isolated,
		rolling,
		killed,
	}
}

// The outage through the load balancer from the moment at which it lets clients through again.
var (
	afterRestart          = compare.Metric{Name: "confirms, after its restart", Unit: compare.Seconds}
	deliveredAfterRestart = compare.Metric{Name: "deliveries, after its restart", Unit: compare.Seconds}
)

// bounds are the claims on Warren's outages, in seconds: straight to the nodes and through the load balancer;
// deliveries may take half a second more.
func bounds(anyNode, balanced float64) []compare.Claim {
	const delivery = 0.5
	return []compare.Claim{
		{Row: rowWarren, Metric: "confirms, any node", AtMost: anyNode},
		{Row: rowWarren, Metric: "confirms, load balancer", AtMost: balanced},
		{Row: rowWarren, Metric: "deliveries, any node", AtMost: anyNode + delivery},
		{Row: rowWarren, Metric: "deliveries, load balancer", AtMost: balanced + delivery},
	}
}

// outage is the comparison of one fault. It hits Warren's clients alone, with Warren's and with stock
// settings. It hits the other kinds of clients at the same time, each with a queue of its own.
func outage(name, what string, claims ...compare.Claim) compare.Comparison {
	return compare.Comparison{
		Name:    "outage/" + name,
		Shows:   what + " The longest time without a confirm, and without a delivery.",
		Metrics: outageMetrics,
		Sides: []compare.Side{
			outageSide{
				fault: name, cluster: (*lab.Lab).UnderTest, sound: true,
				rows: []outageRow{{rowWarren, crew.Warren}},
			}.side(rowWarren),
			outageSide{
				fault: name, cluster: (*lab.Lab).UnderTest, sound: true,
				rows: []outageRow{{rowPeer, crew.Peer}, {rowConfirming, crew.TutorialConfirming}},
			}.side("Warren's cluster"),
			outageSide{
				fault: name, cluster: (*lab.Lab).Stock, sound: true,
				rows: []outageRow{{rowStock, crew.Warren}},
			}.side(rowStock),
			outageSide{
				fault: name, cluster: (*lab.Lab).Tutorial,
				rows: []outageRow{{rowTutorialConfirming, crew.TutorialConfirming}, {rowTutorial, crew.Tutorial}},
			}.side("tutorial"),
		},
		Claims: claims,
	}
}

// outageSide is one fault that hits the clients of a cluster.
type outageSide struct {
	fault   string
	cluster func(*lab.Lab, context.Context) (*cluster.Cluster, error)
	// sound clusters become healthy; that of the tutorial does not, since its load balancer holds every
	// management interface for down.
	sound bool
	rows  []outageRow
}

// outageRow is a kind of client, and the row of the table that shows it.
type outageRow struct {
	row  string
	crew crew.Crew
}

func (s outageSide) side(name string) compare.Side {
	return compare.Side{Name: name, Measure: s.measure}
}

func (s outageSide) measure(ctx context.Context, place *lab.Lab) ([]compare.Sample, error) {
	k, err := s.cluster(place, ctx)
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
		return nil, &lab.MissingError{What: "what the fault " + s.fault + " needs", Hint: err.Error()}
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
	limits.Healthy = lab.BootTimeout
	runner := scenario.Runner{Cluster: k, Rig: rig, Limits: limits}
	result, h := runner.Play(ctx, scenario.Single(f, s.hold(place)))
	if result.Error != "" {
		return nil, errors.New(result.Error)
	}
	var samples []compare.Sample
	for _, c := range s.rows {
		if why, lacks := lacking[c.row]; lacks {
			samples = append(samples, compare.Sample{Row: c.row, Missing: why.Error()})
			continue
		}
		values := outageValues(result.Verdict, h, c.crew, servedAgain(h))
		maps.Copy(values, breakdown(h, result.Logs, c.crew, c.crew.Queue(rig.target)))
		samples = append(samples, compare.Sample{Row: c.row, Values: values})
	}
	return samples, nil
}

// drainPatience is how long a client that lost its consumer may take to get it back, once the fault is over.
const drainPatience = 12 * time.Second

// coolDown is how long traffic goes on when the cluster has recovered. Clients other than Warren's wait five
// seconds before they connect again.
func (s outageSide) coolDown() time.Duration {
	for _, c := range s.rows {
		if c.crew.Name != crew.Warren.Name {
			return 7 * time.Second
		}
	}
	return 2 * time.Second
}

// have returns the crews that this machine can run, and for the rows of the others why not.
func (s outageSide) have(ctx context.Context) ([]crew.Crew, map[string]error, error) {
	var crews []crew.Crew
	lacking := map[string]error{}
	for _, c := range s.rows {
		err := c.crew.Available(ctx)
		var lacks *lab.MissingError
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
func (s outageSide) hold(place *lab.Lab) time.Duration {
	if s.fault == "leader-isolated" {
		return place.Cut
	}
	return 0
}

// outageValues are the values of outageMetrics for one crew. Served is when the load balancer let clients
// through again after its restart; 0 if it was not restarted.
func outageValues(
	v checker.Verdict, h history.History, c crew.Crew, served time.Duration,
) map[string]float64 {
	paths := map[string]checker.PathVerdict{}
	for _, p := range v.Paths {
		paths[p.Path] = p
	}
	anyNode, balanced := paths[c.Path(history.AnyNode)], paths[c.Path(history.LoadBalancer)]
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
func countLost(h history.History, c crew.Crew) int {
	delivered := map[string]bool{}
	for _, d := range h.Deliveries {
		delivered[d.ID] = true
	}
	lost := 0
	for _, p := range h.Publishes {
		if p.Outcome == history.Confirmed && !delivered[p.ID] &&
			(p.Path == c.Path(history.AnyNode) || p.Path == c.Path(history.LoadBalancer)) {
			lost++
		}
	}
	return lost
}
