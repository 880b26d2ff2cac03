import { ApiStatusError, badRequest, expired, fieldErrorText, invalid } from '../errors.ts';

/** Parses `resourceVersion`; undefined when it is absent. */
function parse(text: string): number | undefined {
  if (text === '') return undefined;
  return /^\d{1,15}$/.test(text) ? Number(text) : Number.NaN;
}

const complaint = (text: string): string =>
  fieldErrorText(invalid('resourceVersion', text, `strconv.ParseUint: parsing ${JSON.stringify(text)}: invalid syntax`));

/** The version of a list: 400 for what is no number. */
export function listRevision(text: string): number | undefined {
  const revision = parse(text);
  if (Number.isNaN(revision)) throw badRequest(`invalid resource version: ${complaint(text)}`);
  return revision;
}

/** The version a watch starts from: 500 for what is no number, as the real server has it. */
export function watchRevision(text: string): number | undefined {
  const revision = parse(text);
  if (Number.isNaN(revision)) throw new ApiStatusError(500, '', complaint(text));
  return revision;
}

/** 410 for a list at a version that history no longer reaches. */
export const listExpired = (): ApiStatusError => expired('The resourceVersion for the provided list is too old.');

/** 410 for a watch from a version that history no longer reaches. */
export const tooOld = (asked: number, horizon: number): ApiStatusError => expired(`too old resource version: ${asked} (${horizon})`);

/** 410 for a next page whose version is gone. */
export const continueExpired = (): ApiStatusError =>
  expired(
    'The provided continue parameter is too old to display a consistent list result. You can start a new list without the continue parameter, or use the continue token in this response to retrieve the remainder of the results. Continuing with the provided token results in an inconsistent list - objects that were created, modified, or deleted between the time the first chunk was returned and now may show up in the list.',
  );

/** 504 for a version that has not come yet. */
export const tooNew = (asked: number, current: number): ApiStatusError =>
  new ApiStatusError(504, 'Timeout', `Too large resource version: ${asked}, current: ${current}`, {
    causes: [{ reason: 'ResourceVersionTooLarge', message: 'Too large resource version' }],
    retryAfterSeconds: 1,
  });
