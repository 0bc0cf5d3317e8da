import type { PanelProps } from '@grafana/data';
import { PanelPlugin } from '@grafana/data';
import { Framed } from '../../grafana/Framed';
import { zoneOf } from '../../grafana/zone';
import { Ridgelines } from '../../views/Ridgelines';

function Panel({ data, width, height, timeZone }: PanelProps) {
  return <Framed height={height}><Ridgelines frame={data.series.find((f) => f.length > 0)} width={width} height={height} zone={zoneOf(timeZone)} /></Framed>;
}

export const plugin = new PanelPlugin(Panel);
