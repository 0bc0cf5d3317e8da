declare module '*.css' {
  const text: string;
  export default text;
}

declare module 'react-router-dom' {
  export function useLocation(): { pathname: string; search: string; hash: string };
}
