import type { ReasonTable } from './entry.ts';

/** Reasons of the conditions of a Speaker: `Ready` and `AddressConflict`. */
export const speakerReasons = {
  Running: {
    status: 'True',
    severity: 'Normal',
    summary: 'The speaker works',
    meaning: 'Reason of Ready=True of a Speaker: the packet thread answers, and the configuration is known.',
    remedy: 'Nothing to do.',
  },
  NotReady: {
    status: 'False',
    severity: 'Warning',
    summary: 'The speaker does not work as it should',
    meaning:
      'Reason of Ready=False of a Speaker: the packet thread is silent, the configuration is not known yet, or a permission is missing. The message says which.',
    remedy: 'See the message and the log of the speaker on that node.',
  },
  NoConflict: {
    status: 'False',
    severity: 'Normal',
    summary: 'No other machine uses an address of the node',
    meaning: 'Reason of AddressConflict=False of a Speaker.',
    remedy: 'Nothing to do.',
  },
} as const satisfies ReasonTable;
