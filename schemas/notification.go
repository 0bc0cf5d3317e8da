package schemas

import "time"

// NotificationStatus is the fate of one attempt to deliver.
type NotificationStatus string

// The statuses of a notification, in the order in which they are journalled.
const (
	NotificationQueued     NotificationStatus = "queued"     // a route leads to the receiver; it waits for its group
	NotificationSuppressed NotificationStatus = "suppressed" // kept back by a silence, a time interval or inhibition; Error says which
	NotificationPending    NotificationStatus = "pending"    // journalled before the attempt
	NotificationDelivered  NotificationStatus = "delivered"  // the receiver took it
	NotificationFailed     NotificationStatus = "failed"     // this attempt failed; another may follow
	NotificationDropped    NotificationStatus = "dropped"    // given up: permanent refusal or attempts spent
)

// Notification is one journalled attempt to tell a receiver about a revision
// of an incident.
type Notification struct {
	Time       time.Time          `json:"timestamp"` // wall clock of the attempt
	Tenant     string             `json:"tenant"`
	IncidentID string             `json:"incident_id"`
	Revision   uint64             `json:"revision"` // of the incident
	Receiver   string             `json:"receiver"` // configured name
	Kind       string             `json:"kind"`     // pagerduty, webhook, slack, alertmanager, email
	Action     string             `json:"action"`   // trigger, acknowledge, resolve, change
	Key        string             `json:"key"`      // idempotency key sent to the receiver
	Attempt    uint32             `json:"attempt"`  // from 1; 0 while nothing was tried
	Status     NotificationStatus `json:"status"`
	HTTPStatus int                `json:"http_status"` // 0 when no answer came
	DurationMS float64            `json:"duration_ms"`
	Error      string             `json:"error"`
}
