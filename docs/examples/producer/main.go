// Command producer sends the rows of a CSV file as inference events, spread over
// the last half hour: what an application does when it logs what it answered.
//
// usage: producer FILE BROKER TOPIC MODEL
package main

import (
	"context"
	"encoding/csv"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"strconv"
	"time"

	"github.com/twmb/franz-go/pkg/kgo"
)

func main() {
	if len(os.Args) != 5 {
		check(errors.New("usage: producer FILE BROKER TOPIC MODEL"))
	}
	file, err := os.Open(os.Args[1])
	check(err)
	rows, err := csv.NewReader(file).ReadAll()
	check(err)
	client, err := kgo.NewClient(kgo.SeedBrokers(os.Args[2]), kgo.DefaultProduceTopic(os.Args[3]))
	check(err)
	defer client.Close()
	header, rows, start := rows[0], rows[1:], time.Now().Add(-30*time.Minute)
	for i, row := range rows {
		features := map[string]any{}
		event := map[string]any{
			"model": os.Args[4], "version": "1", "request_id": fmt.Sprintf("%s-go-%d", os.Args[4], i), "features": features,
			"timestamp": start.Add(30 * time.Minute * time.Duration(i) / time.Duration(len(rows))),
		}
		for k, name := range header {
			value, err := strconv.ParseFloat(row[k], 64)
			switch {
			case name == "time":
			case name == "decision":
				event["prediction"] = row[k]
			case name == "score":
				event["score"] = value
			case err == nil:
				features[name] = value
			default:
				features[name] = row[k]
			}
		}
		text, err := json.Marshal(event)
		check(err)
		client.Produce(context.Background(), kgo.SliceRecord(text), func(_ *kgo.Record, err error) { check(err) })
	}
	check(client.Flush(context.Background()))
	fmt.Println(len(rows), "events sent to", os.Args[3])
}

func check(err error) {
	if err != nil {
		fmt.Fprintln(os.Stderr, "producer:", err)
		os.Exit(1)
	}
}
