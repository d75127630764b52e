/** What is wrong, in words for whoever did it: found on the page, without asking the server. */
export class Told extends Error {}
