/** zoneOf is Grafana's time zone as views take it: empty is the browser's. */
export function zoneOf(zone: string): string {
  return zone === 'browser' || !zone ? '' : zone.toLowerCase() === 'utc' ? 'UTC' : zone;
}
