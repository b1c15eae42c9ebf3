/** Longest failure or success of a scenario. */
export const MAX_REQUEST_SECONDS = 120
