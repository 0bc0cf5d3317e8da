import type { AnnotationSupport } from '@grafana/data';
import type { Query } from './query';

/** annotations are questions for events, edited as such. */
export const annotations: AnnotationSupport<Query> = {
  getDefaultQuery: () => ({ v: 1, kind: 'events', presets: ['deploys', 'retrains', 'incidents'] }),
  prepareQuery: (a) => (a.target?.kind === 'events' ? a.target : { refId: 'Anno', ...a.target, v: 1, kind: 'events' }),
};
