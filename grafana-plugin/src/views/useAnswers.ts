import { useEffect, useRef, useState } from 'react';
import type { Answer, Message, Question } from './host';
import { useHost } from './host';

/** Loaded is what is known of questions that were asked. */
export interface Loaded {
  answers: Record<string, Answer>;
  loading: boolean;
  error: string;
}

/**
 * useAnswers asks questions, again whenever they, the time range or the revision
 * change. What was answered stays until something newer is there.
 */
export function useAnswers(questions: Record<string, Question>, revision = 0, maxDataPoints = 500): Loaded {
  const host = useHost();
  const { from, to } = host.timeRange;
  const asked = JSON.stringify(questions);
  const [state, setState] = useState<Loaded & { asked: string }>({ answers: {}, loading: true, error: '', asked });
  const query = useRef(host.query);
  useEffect(() => {
    query.current = host.query;
  });
  useEffect(() => {
    const end = new AbortController();
    const of = JSON.parse(asked) as Record<string, Question>;
    if (Object.keys(of).length === 0) {
      return;
    }
    query.current({ from, to, questions: of, maxDataPoints }, end.signal).then(
      (answers) => !end.signal.aborted && setState({ answers, loading: false, error: '', asked }),
      (e: unknown) => !end.signal.aborted && setState((s) => ({ ...s, loading: false, error: e instanceof Error ? e.message : String(e) })),
    );
    return () => end.abort();
  }, [asked, from, to, revision, maxDataPoints]);
  const isCurrent = state.asked === asked;
  return { answers: isCurrent ? state.answers : {}, loading: state.loading || !isCurrent, error: state.error };
}

/** pace is how long news are gathered before pages ask again. */
const pace = 2000;

/** useRevision counts up, at a calm pace, when the live stream has news that matter. */
export function useRevision(matters: (m: Message) => boolean): number {
  const host = useHost();
  const [revision, setRevision] = useState(0);
  const test = useRef(matters);
  const stream = useRef(host.stream);
  useEffect(() => {
    test.current = matters;
    stream.current = host.stream;
  });
  useEffect(() => {
    let due: ReturnType<typeof setTimeout> | undefined;
    const leave = stream.current((m) => {
      if (!due && test.current(m)) {
        due = setTimeout(() => {
          due = undefined;
          setRevision((r) => r + 1);
        }, pace);
      }
    });
    return () => {
      clearTimeout(due);
      leave();
    };
  }, []);
  return revision;
}
