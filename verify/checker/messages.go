package checker

import "warren/verify/history"

// countPublishes counts attempts by how they ended.
func countPublishes(v *Verdict, h history.History) {
	v.Attempted = len(h.Publishes)
	for _, p := range h.Publishes {
		switch p.Outcome {
		case history.Confirmed:
			v.Acknowledged++
		case history.Nacked:
			v.Nacked++
		case history.Returned:
			v.Returned++
		case history.Unsent:
			v.Unsent++
		default:
			v.Unknown++
		}
	}
}

// countDeliveries compares what was delivered with what was published.
func countDeliveries(v *Verdict, h history.History) {
	v.Deliveries = len(h.Deliveries)
	sequence := make(map[string]int, len(h.Publishes)) // place among all publishes; in order for each producer
	for i, p := range h.Publishes {
		sequence[p.ID] = i
	}

	type stream struct{ producer, consumer string }
	newest := map[stream]int{}
	times := make(map[string]int, len(h.Publishes))
	for _, d := range h.Deliveries {
		times[d.ID]++
		switch times[d.ID] {
		case 1:
		case 2:
			v.Duplicated.add(d.ID)
			continue
		default:
			continue
		}
		i, attempted := sequence[d.ID]
		if !attempted {
			v.Unexpected.add(d.ID)
			continue
		}
		if d.Redelivered {
			continue
		}
		s := stream{h.Publishes[i].Producer, d.Consumer}
		if last, seen := newest[s]; seen && i < last {
			v.Reordered.add(d.ID)
			continue
		}
		newest[s] = i
	}
	v.Delivered = len(times)

	for _, p := range h.Publishes {
		delivered := times[p.ID] > 0
		switch confirmed := p.Outcome == history.Confirmed; {
		case confirmed && !delivered && h.Drained:
			v.Lost.add(p.ID)
		case p.Outcome == history.Unsent && delivered:
			v.Unexpected.add(p.ID)
		case !confirmed && delivered:
			v.Recovered.add(p.ID)
		}
	}
}
