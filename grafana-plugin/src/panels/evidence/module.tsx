import type { PanelProps } from '@grafana/data';
import { PanelPlugin } from '@grafana/data';
import { Framed } from '../../grafana/Framed';
import { zoneOf } from '../../grafana/zone';
import { Evidence } from '../../views/Evidence';

function Panel({ data, width, height, timeZone }: PanelProps) {
  return <Framed height={height}><Evidence frames={data.series} width={width - 12} zone={zoneOf(timeZone)} /></Framed>;
}

export const plugin = new PanelPlugin(Panel);
