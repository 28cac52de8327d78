// The shapes the API answers with, as TypeScript types; every page reads these and nothing else.

export type Stage = "signed" | "to_start" | "under_construction" | "in_service" | "suspended" | "scrapped";
export type Role = "dispatcher" | "planner" | "technician" | "fund" | "auditor" | "admin" | "wallboard";
export type AlarmState =
  | "unacknowledged"
  | "acknowledged"
  | "returned_unacknowledged"
  | "cleared"
  | "shelved"
  | "suppressed"
  | "out_of_service";
export type Priority = 1 | 2 | 3 | 4;

export interface Page<T> {
  items: T[];
  next: string | null;
}

export interface Named {
  name_zh: string;
  name_en: string | null;
}
export interface Place extends Named {
  id: number;
  code?: string;
}

export interface User {
  id: number;
  name: string;
  display_name: string;
  roles: Role[];
  language?: string | null;
}
export interface Me {
  user: User;
  session?: { expires_at: string };
}
export interface Account extends User {
  disabled: boolean;
  scope?: { areas?: string[]; firm?: string | null } | null;
  last_seen_at?: string | null;
  created_at?: string | null;
}

export interface OverviewLift {
  id: number;
  code: string;
  stage: Stage;
  mode: number | null;
  last_at: string | null;
  silent: boolean;
  open_alarms: number;
  worst_priority: Priority | null;
}
export interface OverviewBuilding extends Place {
  lifts: OverviewLift[];
}
export interface OverviewCompound extends Place {
  buildings: OverviewBuilding[];
}
export interface OverviewGrid extends Place {
  compounds: OverviewCompound[];
}
export interface Overview {
  as_of: string;
  stages: Record<Stage, number>;
  open_alarms: Record<string, number>;
  unacknowledged: number;
  silent_lifts: number;
  /** Too many lifts for one page: an area must be chosen. */
  truncated?: boolean;
  grids: OverviewGrid[];
}

export interface LiftRow extends Named {
  id: number;
  code: string;
  stage: Stage;
  building: Place | null;
  compound: Place | null;
  area: Place | null;
  mode: number | null;
  motion: number | null;
  floor: number | null;
  last_at: string | null;
  received_at: string | null;
  silent: boolean;
  open_alarms: number;
  worst_priority: Priority | null;
  firm?: (Named & { phone: string | null }) | null;
}
export interface LiftNow {
  mode: number | null;
  motion: number | null;
  floor: number | null;
  in_door_zone: boolean | null;
  front_door_closed: boolean | null;
  rear_door_closed: boolean | null;
  occupied: boolean | null;
  on_battery: boolean | null;
  codes: number[] | null;
  energy_wh: number | null;
  trips: number | null;
  run_time_s: number | null;
  door_cycles: number | null;
  load_kg: number | null;
  speed_mm_s: number | null;
  vibration_mm_s2: number | null;
  temperature_deci_c: number | null;
  ts: string | null;
  received_at: string | null;
}
export interface Responsible extends Named {
  role: string;
  phone: string | null;
  from_on: string | null;
  to_on: string | null;
}
export interface Lift extends LiftRow {
  floors: number | null;
  rear_door: boolean | null;
  model: string | null;
  maker: string | null;
  rated_load_kg: number | null;
  rated_speed_mm_s: number | null;
  in_service_on: string | null;
  registration?: string | null;
  last_inspection_on?: string | null;
  device: { device: string; unit: number; epoch: number; online: boolean | null; changed_at: string | null } | null;
  parties: Responsible[];
  now: LiftNow | null;
  gaps_open: number;
  alarms: Alarm[];
}

export interface Reading {
  /** The instant it is filed under: device time when that is credible. */
  at?: string;
  ts: string;
  received_at?: string;
  mode: number | null;
  motion: number | null;
  floor: number | null;
  flags: number | null;
  codes: number[] | null;
  load_kg: number | null;
  speed_mm_s: number | null;
  energy_wh: number | null;
}
export interface Readings {
  items: Reading[];
  gaps: { from: string | null; to: string | null }[];
  thinned?: boolean;
}

export interface Alarm extends Named {
  id: number;
  lift_id: number;
  lift: (Place & { code: string }) | null;
  building: Place | null;
  compound: Place | null;
  code: number;
  priority: Priority;
  state: AlarmState;
  confidence: number | null;
  text_zh: string | null;
  text_en: string | null;
  raised_at: string;
  recorded_at: string | null;
  cleared_at: string | null;
  acknowledged_at: string | null;
  acknowledged_by: string | null;
  repeats_24h: number | null;
  last_reading_at: string | null;
  silent: boolean | null;
  people_trapped: boolean;
  firm: (Named & { phone: string | null }) | null;
}
export interface Transition {
  at: string;
  recorded_at?: string | null;
  kind: string;
  from_state: AlarmState | null;
  to_state: AlarmState | null;
  by: string | null;
  comment: string | null;
}
export interface AlarmDetail extends Alarm {
  transitions: Transition[];
}

export interface Refusal {
  id: number;
  topic: string;
  reason: string;
  detail: string | null;
  area: string | null;
  device: string | null;
  first_at: string;
  last_at: string;
  times: number;
  request_at: string | null;
  landed_at: string | null;
  outcome: string | null;
  bytes?: number;
  payload_hex?: string;
}
export interface UnknownDevice {
  area: string | null;
  device: string;
  unit?: number | null;
  first_at: string;
  last_at: string;
  messages: number;
  registered: boolean;
  /** How many of them are already asked to be landed. */
  requested?: number;
}
export interface Area extends Named {
  id: number;
  code: string;
  kind: string;
}
export interface Party extends Named {
  id: number;
  code: string;
  phone: string | null;
}

/** RFC 9457 problem document. */
export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  code?: string;
  errors?: { field?: string; message?: string; detail?: string; code?: string }[];
}

export interface FeedStatus {
  database: "up" | "away";
  broker: "up" | "away";
  recording: boolean;
}
/** An alarm seen while the database is away: identity is (lift_id, code, raised_at). */
export interface ProvisionalAlarm {
  provisional: true;
  lift_id: number;
  code: number;
  raised_at: string;
  text_zh: string;
  text_en: string;
  name_zh?: string;
  name_en?: string;
  priority: Priority;
}
