/** The terminal of the person who called us: its size, and keys as they are pressed. What is written goes through {@link Host}. */
export interface Terminal {
  /** Characters in a line, and lines, at this moment. */
  size(): { readonly columns: number; readonly rows: number };
  /**
   * Tells of keys as they are pressed, neither echoed nor gathered to lines; `heard` gets what the terminal sends for them. Ctrl-C comes as a key,
   * too. @returns what gives the terminal back as it was; a second call is the same
   */
  keys(heard: (text: string) => void): () => void;
  /** Calls `run` after each change of the size. @returns what ends it */
  onResize(run: () => void): () => void;
}
