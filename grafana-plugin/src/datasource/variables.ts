import { CustomVariableSupport } from '@grafana/data';
import type { DataQueryRequest, DataQueryResponse } from '@grafana/data';
import type { DataQuery } from '@grafana/schema';
import { from, map } from 'rxjs';
import type { Observable } from 'rxjs';
import type { DataSource } from './datasource';
import { found } from './query';
import { VariableEditor } from './VariableEditor';

/** VariableQuery asks for the values of a dimension. */
export interface VariableQuery extends DataQuery {
  list?: string;
  /** of these models alone; may be a variable */
  model?: string;
}

/** Variables whose values are those of the dashboard's time. */
export class Variables extends CustomVariableSupport<DataSource, VariableQuery> {
  override editor = VariableEditor;

  constructor(private readonly source: DataSource) {
    super();
  }

  override getDefaultQuery(): Partial<VariableQuery> {
    return { list: 'models' };
  }

  override query = (request: DataQueryRequest<VariableQuery>): Observable<DataQueryResponse> => {
    const q = request.targets[0];
    return from(this.source.options(q?.list ?? 'models', request.range, { model: q?.model ? [q.model] : [] })).pipe(map((vs) => ({ data: found(vs) })));
  };
}
