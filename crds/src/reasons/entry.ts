/** What one reason means, for conditions, events, CLI texts and documentation alike. */
export interface ReasonEntry {
  /** Status of the condition that carries it. Absent for reasons of events only and of single nodes. */
  readonly status?: 'True' | 'False' | 'Unknown';
  /** `Warning`: something the user or operator should act on. Also the type of the event. */
  readonly severity: 'Normal' | 'Warning';
  /** One line, no full stop. */
  readonly summary: string;
  /** When exactly it is given. */
  readonly meaning: string;
  /** What to do. */
  readonly remedy: string;
}

export type ReasonTable = Readonly<Record<string, ReasonEntry>>;
