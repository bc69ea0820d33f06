/** Markdown for Temporal's UI. Pure. */

/** Names and words of others, shown as they are: nothing in them is a link, an image or markup. A span of code cannot hold the mark that ends it. */
export function code(text: string): string {
  return `\`${text.replaceAll(/[`\p{Cc}]+/gu, ' ')}\``;
}
