// Classic dashboards with the panels that readroom's have, as types: make.py turns them into one
// JSON Schema. Everything but what says "ours" is @grafana/schema's.
import * as common from '@grafana/schema';
import * as heatmap from '@grafana/schema/dist/types/raw/composable/heatmap/panelcfg/x/types.gen';
import * as stat from '@grafana/schema/dist/types/raw/composable/stat/panelcfg/x/types.gen';
import * as statetimeline from '@grafana/schema/dist/types/raw/composable/statetimeline/panelcfg/x/types.gen';
import * as table from '@grafana/schema/dist/types/raw/composable/table/panelcfg/x/types.gen';
import * as text from '@grafana/schema/dist/types/raw/composable/text/panelcfg/x/types.gen';
import * as timeseries from '@grafana/schema/dist/types/raw/composable/timeseries/panelcfg/x/types.gen';
import * as raw from '@grafana/schema/dist/types/raw/dashboard/x/types.gen';

// Ours: the package has no types for what goes to a Prometheus data source.
export interface PrometheusTarget {
  refId: string;
  datasource: raw.DataSourceRef;
  expr: string;
  legendFormat?: string;
  editorMode: 'code' | 'builder';
  format: 'time_series' | 'table' | 'heatmap';
  instant: boolean;
  range: boolean;
  interval?: string;
}

// Ours: an annotation that a Prometheus query makes.
export interface PrometheusAnnotation extends raw.AnnotationQuery {
  expr: string;
  step?: string;
  titleFormat?: string;
  textFormat?: string;
  tagKeys?: string;
  useValueForTime?: boolean;
}

interface Field<Custom> extends Omit<raw.FieldConfig, 'custom' | 'links'> {
  custom?: Custom;
}

interface Fields<Custom> extends Omit<raw.FieldConfigSource, 'defaults'> {
  defaults: Field<Custom>;
}

interface Shown<Type, Options, Custom>
  extends Omit<raw.Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> {
  type: Type;
  options: Options;
  fieldConfig: Fields<Custom>;
  targets: PrometheusTarget[];
}

interface Nothing {}

export interface TimeseriesPanel extends Shown<'timeseries', timeseries.Options, timeseries.FieldConfig> {}
export interface StatPanel extends Shown<'stat', stat.Options, Nothing> {}
export interface StateTimelinePanel extends Shown<'state-timeline', statetimeline.Options, statetimeline.FieldConfig> {}
export interface HeatmapPanel extends Shown<'heatmap', heatmap.Options, heatmap.FieldConfig> {}
// A table's field configuration is a union over cell types, which make.py's program writes as is.
export interface TablePanel extends Shown<'table', table.Options, common.TableFieldOptions> {}
export interface TextPanel extends Omit<raw.Panel, 'type' | 'options' | 'fieldConfig' | 'targets'> {
  type: 'text';
  options: text.Options;
}
export interface RowPanel extends Omit<raw.RowPanel, 'panels'> {
  panels: unknown[];
}

// Panels are checked one by one, each against its own type: so an error names what is wrong.
export interface Board extends Omit<raw.Dashboard, 'panels' | 'annotations'> {
  panels: unknown[];
  annotations: { list: Array<raw.AnnotationQuery | PrometheusAnnotation> };
}
