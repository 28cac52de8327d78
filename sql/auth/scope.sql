-- What an account may see, worked out afresh at each request so that a change of contract counts at once.

create or replace function auth.areas_below(p_areas bigint[]) returns bigint[]
language plpgsql stable as $$
begin
    return (
    with recursive below (id) as (
        select a.id from registry.area a where a.id = any (p_areas)
        union
        select a.id from registry.area a join below b on a.parent_id = b.id
    )
    select coalesce(array_agg(id order by id), '{}') from below);
end
$$;
comment on function auth.areas_below(bigint[]) is 'These areas and everything below them.';

-- Areas and firm both narrow: an account with both sees what is in both. Without either, people of the centre see
-- everything and people who work for a firm see nothing, because their firm is missing. A firm's lifts are those it
-- is responsible for today, Shanghai time.
create or replace function auth.scope_of(p_user bigint, out sees_all boolean, out areas bigint[], out lifts bigint[])
language plpgsql stable as $$
declare
    v_firm bigint;
    v_own bigint[];
    v_roles text[];
begin
    areas := '{}';
    lifts := '{}';
    select u.roles, f.party_id, a.own into v_roles, v_firm, v_own
    from auth.user_account u
    left join auth.user_firm f on f.user_id = u.id
    left join lateral (select array_agg(x.area_id) as own from auth.user_area x where x.user_id = u.id) a on true
    where u.id = p_user;
    if v_firm is null and v_own is null then
        sees_all := coalesce(v_roles && array ['admin', 'auditor', 'dispatcher', 'fund', 'wallboard'], false);
        return;
    end if;
    sees_all := false;
    if v_own is not null then
        v_own := auth.areas_below(v_own);
    end if;
    if v_firm is null then
        areas := v_own;
    end if;
    select coalesce(array_agg(l.id order by l.id), '{}') into lifts
    from registry.lift l
    join registry.building b on b.id = l.building_id
    join registry.compound c on c.id = b.compound_id
    where (v_own is null or coalesce(b.area_id, c.area_id) = any (v_own) or c.area_id = any (v_own))
      and (v_firm is null or exists (
          select from registry.responsibility r
          where r.lift_id = l.id and r.party_id = v_firm
            and r.from_on <= auth.today() and (r.to_on is null or r.to_on >= auth.today())));
end
$$;
comment on function auth.scope_of(bigint) is 'What an account may see: everything, or these lifts (and, when it is not limited to a firm, these areas).';

create or replace function auth.today() returns date
language sql stable parallel safe as $$
    select (now() at time zone 'Asia/Shanghai')::date
$$;
comment on function auth.today() is 'Today in Shanghai.';
