package topology

import (
	"slices"
	"strconv"
	"strings"
)

// quoted quotes what an operator wrote.
func quoted[T ~string](s T) string { return strconv.Quote(string(s)) }

// oneOf lists what may be written in a place.
func oneOf[T ~string](values []T) string {
	var b strings.Builder
	for i, value := range values {
		if i > 0 {
			b.WriteString(", ")
		}
		b.WriteString(string(value))
	}
	return "write one of " + b.String()
}

// didYouMean suggests the word that was abbreviated, or else the one closest to what was written, if one is close.
func didYouMean[T ~string](written T, words []T) string {
	if len(words) == 0 {
		return ""
	}
	closest := slices.MinFunc(words, func(a, b T) int {
		return editDistance(string(written), string(a)) - editDistance(string(written), string(b))
	})
	abbreviated := slices.IndexFunc(words, func(w T) bool {
		return written != "" && strings.HasPrefix(string(w), string(written))
	})
	if abbreviated >= 0 {
		closest = words[abbreviated]
	} else if editDistance(string(written), string(closest)) > 1+len(written)/3 {
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
