package consume

import (
	"fmt"
	"reflect"
	"regexp"
	"time"
)

// streamInterval is an interval as RabbitMQ reads it.
var streamInterval = regexp.MustCompile(`^[0-9]+[YMDhms]$`)

// CheckOffset finds offsets that RabbitMQ would refuse with every subscription.
func CheckOffset(from any) error {
	known := false
	switch from := from.(type) {
	case string:
		known = from == "first" || from == "last" || from == "next" || streamInterval.MatchString(from)
	case time.Time:
		known = true
	default:
		v := reflect.ValueOf(from)
		known = v.CanInt() && v.Int() >= 0 || v.CanUint()
	}
	if !known {
		return fmt.Errorf(`stream offset is %v (%T), must be "first", "last", "next", an integer that is not `+
			`negative, a time.Time, or an interval such as "1h" in Y, M, D, h, m or s`, from, from)
	}
	return nil
}
