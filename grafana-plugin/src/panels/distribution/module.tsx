import type { PanelProps } from '@grafana/data';
import { PanelPlugin } from '@grafana/data';
import { Framed } from '../../grafana/Framed';
import { Overlay } from '../../views/Overlay';

function Panel({ data, width, height }: PanelProps) {
  const shown = data.series.filter((f) => f.fields.some((c) => c.name === 'reference'));
  if (shown.length === 0) {
    return <Framed height={height}><p className="dl-empty">No distribution in this answer. Ask for the kind distribution, with one model.</p></Framed>;
  }
  const columns = Math.max(1, Math.min(shown.length, Math.floor(width / 360)));
  const each = Math.floor(width / columns) - (columns > 1 ? 12 : 0);
  const tall = shown.length <= columns ? height : Math.max(220, Math.floor(height / 2));
  return <Framed height={height}><div style={{ display: 'flex', flexWrap: 'wrap', gap: 12 }}>{shown.map((f, i) => <Overlay key={f.name ?? i} frame={f} width={each} height={tall} />)}</div></Framed>;
}

export const plugin = new PanelPlugin(Panel);
