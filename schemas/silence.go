package schemas

import "time"

// Silence keeps back what would be told of incidents whose labels match, for a
// time. A stored silence is replaced by a newer one of the same tenant and ID.
type Silence struct {
	ID        string    `json:"id"`
	Tenant    string    `json:"tenant"`   // whose incidents it holds for; empty: every tenant's
	Matchers  []string  `json:"matchers"` // such as severity="warning" or model=~"credit.*"; all must match
	StartsAt  time.Time `json:"starts_at"`
	EndsAt    time.Time `json:"ends_at"` // from here on it holds no more
	Author    string    `json:"author"`
	Comment   string    `json:"comment"` // why
	UpdatedAt time.Time `json:"updated_at"`
}

// Active tells whether the silence holds at a time.
func (s *Silence) Active(at time.Time) bool {
	return !at.Before(s.StartsAt) && at.Before(s.EndsAt)
}
