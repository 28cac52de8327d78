// Whether the screen is a phone's: a few parts are built differently there, not only laid out differently.
import { useEffect, useState } from "preact/hooks";

const PHONE = matchMedia("(max-width: 900px)");

export function usePhone(): boolean {
  const [phone, setPhone] = useState(PHONE.matches);
  useEffect(() => {
    const changed = () => setPhone(PHONE.matches);
    PHONE.addEventListener("change", changed);
    return () => PHONE.removeEventListener("change", changed);
  }, []);
  return phone;
}
