-- Incidents of one cause are one: which one stands for the others.

ALTER TABLE {{local "incidents"}} {{onCluster}} ADD COLUMN IF NOT EXISTS merged_into String AFTER diagnosis;

{{addColumn "incidents" "merged_into String AFTER diagnosis"}}
