package topology

import (
	"slices"
	"strconv"
	"strings"
)

// quoted quotes what an operator wrote.
func quoted(s string) string { return strconv.Quote(s) }

// oneOf lists what may be written in a place.
func oneOf(values []string) string { return "write one of " + strings.Join(values, ", ") }

// didYouMean suggests the word that was abbreviated, or else the one closest to what was written, if one is close.
func didYouMean(written string, words []string) string {
	if len(words) == 0 {
		return ""
	}
	closest := slices.MinFunc(words, func(a, b string) int { return editDistance(written, a) - editDistance(written, b) })
	if abbreviated := slices.IndexFunc(words, func(w string) bool { return written != "" && strings.HasPrefix(w, written) }); abbreviated >= 0 {
		closest = words[abbreviated]
	} else if editDistance(written, closest) > 1+len(written)/3 {
		return ""
	}
	return "; did you mean " + quoted(closest) + "?"
}

// editDistance is the Levenshtein distance of two words, regardless of case.
func editDistance(a, b string) int {
	a, b = strings.ToLower(a), strings.ToLower(b)
	row := make([]int, len(b)+1)
	for j := range row {
		row[j] = j
	}
	for i := range len(a) {
		diagonal := row[0]
		row[0] = i + 1
		for j := range len(b) {
			substitution := diagonal
			if a[i] != b[j] {
				substitution++
			}
			diagonal = row[j+1]
			row[j+1] = min(substitution, row[j]+1, row[j+1]+1)
		}
	}
	return row[len(b)]
}
