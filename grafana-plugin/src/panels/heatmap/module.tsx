import type { PanelProps } from '@grafana/data';
import { PanelPlugin } from '@grafana/data';
import { locationService } from '@grafana/runtime';
import { Framed } from '../../grafana/Framed';
import { zoneOf } from '../../grafana/zone';
import { HeatMap } from '../../views/HeatMap';

interface Options {
  variable: string;
}

function Panel({ data, width, height, timeZone, options }: PanelProps<Options>) {
  const choose = (feature: string) => options.variable && locationService.partial({ [`var-${options.variable}`]: feature }, true);
  return <Framed height={height}><HeatMap frames={data.series} width={width} height={height} zone={zoneOf(timeZone)} onSelect={choose} /></Framed>;
}

export const plugin = new PanelPlugin<Options>(Panel).setPanelOptions((b) => b.addTextInput({ path: 'variable', name: 'Variable', description: 'Set to the feature whose row is chosen; empty: none', defaultValue: 'feature' }));
