import type { PanelProps } from '@grafana/data';
import { PanelPlugin } from '@grafana/data';
import { Framed } from '../../grafana/Framed';
import { zoneOf } from '../../grafana/zone';
import { HealthMatrix } from '../../views/HealthMatrix';

function Panel({ data, width, height, timeZone }: PanelProps) {
  return <Framed height={height}><HealthMatrix frames={data.series} width={width} height={height} zone={zoneOf(timeZone)} /></Framed>;
}

export const plugin = new PanelPlugin(Panel);
