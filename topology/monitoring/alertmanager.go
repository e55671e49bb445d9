package monitoring

type alertmanagerFile struct {
	Route struct {
		Receiver       string   `yaml:"receiver"`
		GroupBy        []string `yaml:"group_by"`
		GroupWait      string   `yaml:"group_wait"`
		GroupInterval  string   `yaml:"group_interval"`
		RepeatInterval string   `yaml:"repeat_interval"`
	} `yaml:"route"`
	Receivers    []receiver `yaml:"receivers"`
	InhibitRules []inhibit  `yaml:"inhibit_rules"`
}

type receiver struct {
	Name string `yaml:"name"`
}

// inhibit keeps alerts from being told while another one explains them.
type inhibit struct {
	Source []string `yaml:"source_matchers"`
	Target []string `yaml:"target_matchers"`
	Equal  []string `yaml:"equal,omitempty"`
}

// AlertmanagerConf renders the configuration of Alertmanager. It shows alerts on its page and tells nobody.
func AlertmanagerConf() string {
	var file alertmanagerFile
	file.Route.Receiver = "page"
	file.Route.GroupBy = []string{"alertname"}
	file.Route.GroupWait, file.Route.GroupInterval, file.Route.RepeatInterval = "10s", "1m", "4h"
	file.Receivers = []receiver{{"page"}}
	file.InhibitRules = []inhibit{
		{[]string{`alertname="NoMajority"`}, []string{`alertname=~"NodeDown|NothingConfirmed|NoServers|QueueWithoutLeader|QueueDown"`}, nil},
		{[]string{`alertname=~"MemoryAlarm|DiskAlarm"`}, []string{`alertname="NothingConfirmed"`}, nil},
		{[]string{`alertname="NodesSeparated"`}, []string{`alertname="ServerDown"`}, []string{"node"}},
	}
	return render(file)
}
