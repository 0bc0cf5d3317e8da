import type { AdHocVariableFilter, DataQueryRequest, DataQueryResponse, DataSourceGetTagKeysOptions, DataSourceGetTagValuesOptions, DataSourceInstanceSettings, MetricFindValue, ScopedVars, TimeRange } from '@grafana/data';
import { LiveChannelScope } from '@grafana/data';
import { DataSourceWithBackend, getGrafanaLiveSrv, getTemplateSrv } from '@grafana/runtime';
import { merge } from 'rxjs';
import type { Observable } from 'rxjs';
import { annotations } from './annotations';
import type { KindInfo, Query, Settings } from './query';
import { channelOf, found, interpolate, isAsked, pathOf, usual } from './query';
import { Variables } from './variables';

/** DataSource asks Driftline's back end. */
export class DataSource extends DataSourceWithBackend<Query, Settings> {
  private known: Promise<KindInfo[]> | undefined;

  constructor(settings: DataSourceInstanceSettings<Settings>) {
    super(settings);
    this.annotations = annotations;
    this.variables = new Variables(this);
  }

  override getDefaultQuery(): Partial<Query> {
    return usual;
  }

  override filterQuery(q: Query): boolean {
    return !q.hide && isAsked(q);
  }

  override applyTemplateVariables(q: Query, scoped: ScopedVars, filters?: AdHocVariableFilter[]): Query {
    return interpolate(q, (text, vars, format) => getTemplateSrv().replace(text, vars, format), scoped, filters);
  }

  override interpolateVariablesInQueries(queries: Query[], scoped: ScopedVars, filters?: AdHocVariableFilter[]): Query[] {
    return queries.map((q) => this.applyTemplateVariables(q, scoped, filters));
  }

  /** query asks, and for live queries goes on with what is new. */
  override query(request: DataQueryRequest<Query>): Observable<DataQueryResponse> {
    const asked = super.query(request);
    const streams = request.targets.filter((q) => q.live && this.filterQuery(q)).flatMap((q) => {
      const of = channelOf(this.applyTemplateVariables(q, request.scopedVars, request.filters));
      return of ? [getGrafanaLiveSrv().getDataStream({ key: `${request.requestId}.${q.refId}`, addr: { scope: LiveChannelScope.DataSource, stream: this.uid, path: of.path, data: of.data } })] : [];
    });
    return streams.length > 0 ? merge(asked, ...streams) : asked;
  }

  /** kinds of question, as the back end has them. */
  kinds(): Promise<KindInfo[]> {
    this.known ??= this.getResource<KindInfo[]>('kinds').catch((e: unknown) => {
      this.known = undefined;
      throw e;
    });
    return this.known;
  }

  /** options of a list in a time, narrowed by others. */
  async options(list: string, range?: TimeRange, narrow: Record<string, readonly string[] | undefined> = {}): Promise<string[]> {
    const replaced = Object.fromEntries(Object.entries(narrow).map(([k, vs]) => [k, interpolate({ refId: '', kind: 'fleet', models: [...(vs ?? [])] }, (t, v, f) => getTemplateSrv().replace(t, v, f)).models]));
    const [path, params] = pathOf(list, range && { from: range.from.valueOf(), to: range.to.valueOf() }, replaced);
    return (await this.getResource<string[] | null>(path, params)) ?? [];
  }

  override async getTagKeys(_: DataSourceGetTagKeysOptions<Query>): Promise<MetricFindValue[]> {
    return this.getResource<MetricFindValue[]>('tags/keys');
  }

  override async getTagValues(o: DataSourceGetTagValuesOptions<Query>): Promise<MetricFindValue[]> {
    const [, params] = pathOf('', o.timeRange && { from: o.timeRange.from.valueOf(), to: o.timeRange.to.valueOf() });
    return this.getResource<MetricFindValue[]>('tags/values', { ...params, key: o.key });
  }

  override async metricFindQuery(q: { list?: string; model?: string }, o?: { range?: TimeRange }): Promise<MetricFindValue[]> {
    return found(await this.options(q.list ?? 'models', o?.range, { model: q.model ? [q.model] : [] }));
  }
}
