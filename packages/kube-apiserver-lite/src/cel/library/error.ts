/** A rule could not be evaluated: what a function was given is not what it takes. */
export class CelLibraryError extends Error {}
