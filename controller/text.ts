/** The first of some texts, and how many more there are. */
export function boundedList(texts: readonly string[], most = 8, separator = ', '): string {
  return texts.length > most ? `${texts.slice(0, most).join(separator)} and ${texts.length - most} more` : texts.join(separator);
}
