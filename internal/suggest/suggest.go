// Package suggest finds the word that somebody meant who wrote another one.
package suggest

import (
	"slices"
	"strconv"
	"strings"
)

// DidYouMean asks "did you mean" the word that was abbreviated, or else the one closest to what was written.
// It is to be appended to an error, and empty if no word is close.
func DidYouMean[T ~string](written T, words []T) string {
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
	return "; did you mean " + strconv.Quote(string(closest)) + "?"
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
