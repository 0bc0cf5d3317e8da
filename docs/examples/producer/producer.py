# Sends the rows of a CSV file as inference events, spread over the last half hour.
# usage: producer.py FILE BROKER TOPIC MODEL
import csv, json, sys, time
from kafka import KafkaProducer

file, broker, topic, model = sys.argv[1:]
number = lambda text: float(text) if text else None
rows = list(csv.DictReader(open(file)))
producer = KafkaProducer(bootstrap_servers=broker, acks="all", linger_ms=20, value_serializer=lambda e: json.dumps(e).encode())
start = time.time() - 1800
for i, row in enumerate(rows):
    producer.send(topic, {
        "model": model, "version": "1", "request_id": f"{model}-py-{i}",
        "timestamp": int(1000 * (start + 1800 * i / len(rows))),
        "prediction": row.pop("decision"), "score": number(row.pop("score")),
        "features": {k: v if k == "purpose" else number(v) for k, v in row.items() if k != "time"},
    })
producer.flush()
print(f"{len(rows)} events sent to {topic}")
