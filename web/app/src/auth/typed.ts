/** The address typed last: whoever forgot the password need not type it again. Gone with the page. */
export const typed = { email: "" };
